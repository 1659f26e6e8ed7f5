using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>
/// The database's time, by which notifications expire: it gave them their times, and a node's own clock may be an hour
/// off. Corrected whenever the head of the log is read.
/// </summary>
internal sealed class LogClock(TimeProvider time)
{
    private long _aheadTicks;

    public DateTimeOffset Now => time.GetUtcNow().AddTicks(Volatile.Read(ref _aheadTicks));

    public void Observe(LogHead head)
    {
        if (head.Now != default) Volatile.Write(ref _aheadTicks, (head.Now - time.GetUtcNow()).Ticks);
    }
}
