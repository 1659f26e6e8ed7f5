using Notify.Server.Delivery.Replay;
using Notify.Storage.Log;

namespace Notify.Server.Delivery.Tail;

/// <summary>
/// One life (epoch) of the log as this node sees it. When the log turns out to be another one, the tail replaces the
/// whole object: ring, blocks and numbers of two lives can never be mixed, and a session that holds the old one knows.
/// </summary>
internal sealed class LogLife(LogHead start, Ring ring)
{
    private long _head = start.Head;
    private long _oldest = start.Oldest;

    public Guid EpochId { get; } = start.Epoch;

    /// <summary>As clients see it.</summary>
    public string Epoch { get; } = start.Epoch.ToString();

    public Ring Ring { get; } = ring;
    public BlockCache Blocks { get; } = new();

    /// <summary>The largest committed version this node knows of; its tail may not have come there yet.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>The oldest version kept, as this node knows it.</summary>
    public long Oldest => Volatile.Read(ref _oldest);

    public void Saw(LogHead head)
    {
        SawHead(head.Head);
        Raise(ref _oldest, head.Oldest);
    }

    public void SawHead(long head) => Raise(ref _head, head);

    private static void Raise(ref long field, long value)
    {
        long seen;
        while ((seen = Volatile.Read(ref field)) < value && Interlocked.CompareExchange(ref field, value, seen) != seen)
        {
        }
    }
}
