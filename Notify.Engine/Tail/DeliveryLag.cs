namespace Notify.Engine.Tail;

/// <summary>
/// How far this node's own delivery is behind: the time since what is being handed to the connections was committed, or came from another
/// node. A connection whose client does not take what it is sent waits by itself and does not count, and neither does a session that catches up.
/// </summary>
internal sealed class DeliveryLag(TimeProvider time)
{
    private long _committedAt; // a time stamp; 0: nothing waits

    public TimeSpan Now => Volatile.Read(ref _committedAt) is > 0 and var since ? time.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>What was committed then is being handed over, and nothing older waits.</summary>
    public void HandingOver(long committedAt) => Volatile.Write(ref _committedAt, committedAt);

    /// <summary>Nothing waits.</summary>
    public void HandedOver() => Volatile.Write(ref _committedAt, 0);
}
