using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Replay;
using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>
/// The log in one epoch as this node sees it. When the log turns out to be another one, the tail replaces the
/// whole object: ring, blocks and numbers of two epochs can never be mixed, and a session that holds the old one knows.
/// </summary>
internal sealed class LogView(LogHead start, Ring ring, long? differsFrom = null, SharedMemory? memory = null)
{
    /// <summary>Entries kept in memory: a client that missed a hundred thousand gets them without the database. With 256 bytes each they take 33 MB.</summary>
    private const int RingEntries = 102_400;

    /// <summary>Without a budget of the node's.</summary>
    private const long RingBytes = 64L * 1024 * 1024;

    /// <summary>Entries read into the ring before the node is ready, so that clients that come back after a restart are served from it.</summary>
    private const int Preload = 8_192;

    private const int PageEntries = 1024;
    private const int PageBytes = 4 * 1024 * 1024;

    private readonly Lock _gate = new();
    private List<(long Version, TaskCompletionSource<bool> Waiter)>? _waiting;
    private bool _isOver;
    private long _head = start.Head;
    private long _oldest = start.Oldest;
    private long _applied = ring.End;

    public Guid EpochId { get; } = start.Epoch;

    /// <summary>As clients see it.</summary>
    public string Epoch { get; } = start.Epoch.ToString();

    /// <summary>
    /// The first version that may be another one than this node delivered in the epoch before, when that had the same
    /// epoch; null when none of the old numbers means anything here.
    /// </summary>
    public long? DiffersFrom { get; } = differsFrom;

    /// <summary>Where the tail of this epoch began: everything up to here was in the log before.</summary>
    public long Start { get; } = ring.End;

    public Ring Ring { get; } = ring;
    public BlockCache Blocks { get; } = memory is null ? new() : new(memory.BlockBytes);

    /// <summary>Reads the end of the log into a new ring; null when it was replaced or swept meanwhile.</summary>
    public static async Task<LogView?> ReadAsync(INotificationLog log, Guid epoch, long? differsFrom, CancellationToken cancellationToken,
        SharedMemory? memory = null)
    {
        var head = await log.ReadHeadAsync(cancellationToken);
        var ring = new Ring(Math.Max(head.Oldest - 1, head.Head - Preload), RingEntries, memory?.RingBytes ?? RingBytes);
        while (ring.End < head.Head)
        {
            var page = await log.ReadAsync(ring.End, PageEntries, PageBytes, cancellationToken);
            if (page.Head.Epoch != head.Epoch || page.Entries.Count == 0 || page.Entries[0].Version != ring.End + 1) return null;
            foreach (var entry in page.Entries) LogAppliers.RequireKnown(entry);
            ring.Append([.. page.Entries.Select(entry => new DeliveryEntry(entry))]);
        }

        return new LogView(head, ring, head.Epoch == epoch ? differsFrom : null, memory);
    }

    /// <summary>Every change of people up to here is applied on this node; never below the end of the ring.</summary>
    public long Applied => Volatile.Read(ref _applied);

    /// <summary>The largest committed version this node knows of; its tail may not have come there yet.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>The oldest version kept, as this node knows it.</summary>
    public long Oldest => Volatile.Read(ref _oldest);

    /// <summary>
    /// Completes when the entries up to <paramref name="version"/> have been applied, with true; with false when another epoch
    /// of the log began before.
    /// </summary>
    public Task<bool> WhenAppliedAsync(long version)
    {
        lock (_gate)
        {
            if (_applied >= version) return Task.FromResult(true);
            if (_isOver) return Task.FromResult(false);
            var waiter = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            (_waiting ??= []).Add((version, waiter));
            return waiter.Task;
        }
    }

    /// <summary>The tail: everything up to here has been applied, and comes into the ring next.</summary>
    public void Pass(long version)
    {
        lock (_gate)
        {
            Volatile.Write(ref _applied, version);
            if (_waiting is null) return;
            foreach (var (_, waiter) in _waiting.Where(it => it.Version <= version)) waiter.TrySetResult(true);
            _waiting.RemoveAll(it => it.Version <= version);
            if (_waiting.Count == 0) _waiting = null;
        }
    }

    /// <summary>The tail: another epoch has been published, and nothing more is applied in this one.</summary>
    public void IsOver()
    {
        lock (_gate)
        {
            _isOver = true;
            foreach (var (_, waiter) in _waiting ?? []) waiter.TrySetResult(false);
            _waiting = null;
        }
    }

    public void Observe(LogHead head)
    {
        ObserveHead(head.Head);
        Raise(ref _oldest, head.Oldest);
    }

    public void ObserveHead(long head) => Raise(ref _head, head);

    private static void Raise(ref long field, long value)
    {
        long seen;
        while ((seen = Volatile.Read(ref field)) < value && Interlocked.CompareExchange(ref field, value, seen) != seen)
        {
        }
    }
}
