using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Engine.Inbox;

/// <summary>A connection that is told the counts of its user's inbox.</summary>
internal sealed class InboxWatcher(DeliverySession session, Func<TopicFilter, bool> covers)
{
    private InboxAsked _asked = new(session.User!, covers);

    public DeliverySession Session => session;

    /// <summary>Whose counts, through the present credential.</summary>
    public InboxAsked Asked => Volatile.Read(ref _asked);

    /// <summary>It waits to be told. Guarded by the gate of <see cref="InboxSignals"/>.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>When it was told last; only the loop that tells touches it.</summary>
    public long? ToldAt { get; set; }

    public void Cover(Func<TopicFilter, bool> covers) => Volatile.Write(ref _asked, new InboxAsked(session.User!, covers));
}
