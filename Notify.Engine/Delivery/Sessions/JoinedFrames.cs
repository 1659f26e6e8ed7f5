using Notify.Engine.Delivery.Frames;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// Frames that wait one behind the other for many quick clients, joined once for all of them: a write costs a connection more than its
/// bytes do. For the pump, which is one thread.
/// </summary>
internal sealed class JoinedFrames
{
    /// <summary>What a connection's pipe takes at once: a session whose write waits leaves the order, and soon reads from the log.</summary>
    private const int MostBytes = 64 * 1024;

    // Few, and not kept with the frames: one that a slow client holds would hold all that came after it.
    private const int Kept = 64;

    private readonly Joined[] _kept = new Joined[Kept];
    private bool _isEmpty = true;

    /// <summary>Both as one; null when they are too large for one write.</summary>
    public NotificationFrame? Join(NotificationFrame first, NotificationFrame next)
    {
        if (first.EstimatedBytes + next.EstimatedBytes > MostBytes) return null;
        ref var kept = ref _kept[HashCode.Combine(first.Last, next.Last, first.Entries) & (Kept - 1)];
        if (!ReferenceEquals(kept.First, first) || !ReferenceEquals(kept.Next, next)) kept = new Joined(first, next, first.With(next));
        _isEmpty = false;
        return kept.Both;
    }

    /// <summary>Lets go of them: nothing waits any more.</summary>
    public void Clear()
    {
        if (_isEmpty) return;
        Array.Clear(_kept);
        _isEmpty = true;
    }

    private readonly record struct Joined(NotificationFrame First, NotificationFrame Next, NotificationFrame Both);
}
