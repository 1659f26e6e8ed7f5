using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Engine.Delivery.Routing;

/// <summary>One filter held by one session, from a version on.</summary>
internal sealed class Subscription(DeliverySession session, TopicFilter filter)
{
    private long _from = long.MaxValue;

    public DeliverySession Session { get; } = session;
    public TopicFilter Filter { get; } = filter;

    /// <summary>
    /// Only versions above it are delivered for this filter. It starts at "none": the filter is put into the index first
    /// and gets its version after, so that a unit dispatched in between is either above it or was before the call.
    /// </summary>
    public long From
    {
        get => Volatile.Read(ref _from);
        set => Volatile.Write(ref _from, value);
    }

    /// <summary>Its place in the index's list, so that leaving costs no search.</summary>
    internal int Slot { get; set; }
}
