using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Replay;

/// <summary>
/// Reads the log after a version: from the ring, its older entries in shared blocks; else from shared blocks of storage, or by topic when the way
/// is long and little of it is wanted.
/// </summary>
internal sealed class LogReplay(TailPosition tail, INotificationLog log, ReplayMetrics metrics, SharedMemory memory, LogClock clock) : IReplay, IDisposable
{
    /// <summary>Entries examined in one step.</summary>
    private const int StepEntries = BlockCache.Size;

    /// <summary>Steps of one REST page: bounds the work of a call whose filters match little.</summary>
    private const int StepsPerPage = 16;

    /// <summary>Reads of storage at a time, all replays together, so that they do not take the database from the appends.</summary>
    private readonly SemaphoreSlim _storage = new(4);

    /// <summary>
    /// The next entries to look at above <paramref name="cursor"/>: at least those that the filters match, up to
    /// <see cref="ReplayStep.Through"/>.
    /// </summary>
    /// <exception cref="StorageUnavailableException">Storage was needed and does not answer, or is of another epoch.</exception>
    public async ValueTask<ReplayStep> NextAsync(LogView view, long cursor, TopicFilter[] filters, TopicPlan plan, CancellationToken cancellationToken)
    {
        if (cursor + 1 < view.Oldest) return ReplayStep.Gone(view.Oldest);
        if (filters.Length == 0) return new ReplayStep([], Math.Max(cursor, view.Ring.End), null);

        var entries = new List<DeliveryEntry>();
        if (view.Ring.TryReadShared(cursor, StepEntries, entries))
            return new ReplayStep(entries, entries.Count > 0 ? entries[^1].Version : cursor, null);
        if (view.Ring.First is var first && cursor + 1 >= first)
            return Checked(view, cursor, await view.Blocks.GetAsync(cursor, after => ReadRingAsync(view, after), first));

        metrics.Read();
        var before = view.Ring.First - 1; // the ring has the rest
        if (await plan.TopicsAsync(log, filters, cursor, before, cancellationToken) is { } topics)
        {
            var found = await ReadTopicsAsync(topics, cursor, before, cancellationToken);
            plan.Examined(found.Entries.Count, cursor, found.Through);
            return Checked(view, cursor, found);
        }

        return Checked(view, cursor, await view.Blocks.GetAsync(cursor, ReadBlockAsync));
    }

    public async Task<ReplayPage> ReadAsync(IReadOnlyList<TopicFilter> filters, long after, int maxEntries, CancellationToken cancellationToken)
    {
        var view = tail.View ?? throw new StorageUnavailableException("The log has not been read yet.");
        TopicFilter[] all = [.. filters];
        var plan = new TopicPlan();
        var found = new List<LogEntry>();
        string? gap = null;
        var cursor = after;

        // A caller that knows a version, from this node or another, finds it: this node's tail may still be behind.
        var head = Math.Max(Math.Max(view.Head, view.Ring.End), (await tail.RefreshAsync(cancellationToken)).Head);
        if (cursor > head)
        {
            gap = GapReasons.Epoch;
            cursor = view.Oldest - 1;
        }

        for (var step = 0; step < StepsPerPage && cursor < head; step++)
        {
            var next = cursor < view.Ring.End
                ? await NextAsync(view, cursor, all, plan, cancellationToken)
                : Checked(view, cursor, await ReadBlockAsync(cursor));
            if (next.Oldest is { } oldest)
            {
                gap ??= GapReasons.Retention;
                cursor = oldest - 1;
                continue;
            }

            var now = clock.Now;
            foreach (var entry in next.Entries)
            {
                if (entry.Version <= cursor || !entry.IsNotification || entry.HasExpired(now) || !all.Any(f => f.Matches(entry.Topic))) continue;
                found.Add(entry.Entry);
                if (found.Count == maxEntries) return Page(entry.Version);
            }

            cursor = Math.Max(cursor, next.Through);
        }

        return Page(cursor);

        ReplayPage Page(long next) => new(found, next, new LogHead(view.EpochId, Math.Max(head, next), view.Oldest), gap);
    }

    /// <summary>The block after a version; read anew where the log still grows (not settled), since what is cached may end too early.</summary>
    public async Task<Block> BlockAsync(LogView view, long cursor, bool isSettled, CancellationToken cancellationToken)
    {
        var block = isSettled ? await view.Blocks.GetAsync(cursor, ReadBlockAsync) : await ReadBlockAsync(cursor);
        cancellationToken.ThrowIfCancellationRequested();
        See(view, block);
        return block;
    }

    /// <summary>Another read of storage, in its turn.</summary>
    public async Task<Block> ReadStorageAsync(LogView view, Func<Task<LogPage>> read, CancellationToken cancellationToken)
    {
        metrics.Read();
        await _storage.WaitAsync(cancellationToken);
        try
        {
            var block = BlockOf(await read());
            See(view, block);
            return block;
        }
        finally
        {
            _storage.Release();
        }
    }

    public void Dispose() => _storage.Dispose();

    /// <summary>A block of the ring's older entries, made once for all; of storage when the ring has let its beginning go.</summary>
    private Task<Block> ReadRingAsync(LogView view, long after)
    {
        var entries = new List<DeliveryEntry>(StepEntries);
        return view.Ring.TryRead(after, StepEntries, entries, memory.ReadBytes) && entries.Count > 0
            ? Task.FromResult(new Block(entries, entries[^1].Version, new LogHead(view.EpochId, view.Head, view.Oldest)))
            : ReadBlockAsync(after);
    }

    private async Task<Block> ReadBlockAsync(long after)
    {
        await _storage.WaitAsync();
        try
        {
            return BlockOf(await log.ReadAsync(after, StepEntries, memory.ReadBytes, CancellationToken.None));
        }
        finally
        {
            _storage.Release();
        }
    }

    private async Task<Block> ReadTopicsAsync(long[] topics, long after, long through, CancellationToken cancellationToken)
    {
        await _storage.WaitAsync(cancellationToken);
        try
        {
            var block = BlockOf(await log.ReadTopicsAsync(topics, after, StepEntries, memory.ReadBytes, cancellationToken));
            if (block.Through <= through) return block;

            // Beyond it there may be topics that the plan does not know.
            return block with { Entries = [.. block.Entries.Where(e => e.Version <= through)], Through = through };
        }
        finally
        {
            _storage.Release();
        }
    }

    private static Block BlockOf(LogPage page) => new([.. page.Entries.Select(e => new DeliveryEntry(e))], page.Through, page.Head);

    private ReplayStep Checked(LogView view, long cursor, Block block)
    {
        // Rows below the oldest version may have been dropped while they were read: the page is worth nothing then.
        See(view, block);
        return cursor + 1 < block.Head.Oldest
            ? ReplayStep.Gone(block.Head.Oldest)
            : new ReplayStep(block.Entries, block.Through, null);
    }

    private void See(LogView view, Block block)
    {
        if (block.Head.Epoch != view.EpochId)
        {
            tail.Suspect();
            throw new StorageUnavailableException("The log was replaced; this node is about to notice.");
        }

        view.Observe(block.Head);
    }
}

/// <summary>One step of a replay.</summary>
/// <param name="Entries">May hold entries at or below the cursor, and ones that no filter matches.</param>
/// <param name="Through">Complete up to here.</param>
/// <param name="Oldest">Set when the versions after the cursor are no longer kept: go on here, with a Gap.</param>
internal readonly record struct ReplayStep(IReadOnlyList<DeliveryEntry> Entries, long Through, long? Oldest)
{
    public static ReplayStep Gone(long oldest) => new([], 0, oldest);

    /// <summary>The part of it that does not go beyond the cap.</summary>
    public ReplayStep UpTo(long cap, long cursor) => Oldest is not null || Through <= cap
        ? this
        : new([.. Entries.Where(entry => entry.Version <= cap)], Math.Max(cap, cursor), null);
}
