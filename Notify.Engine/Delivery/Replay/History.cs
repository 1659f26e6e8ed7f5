using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Replay;

/// <summary>
/// Reads the log the other way, newest first, for pages that show what was: from the ring, else by topic where the way is
/// long and few topics are wanted, else the blocks that replays share.
/// </summary>
internal sealed class History(TailPosition tail, INotificationLog log, LogReplay replay, LogClock clock) : IHistory
{
    private const int StepEntries = BlockCache.Size;
    private const int StepBytes = 4 * 1024 * 1024;

    /// <summary>Steps of one page: bounds the work of a call whose filters match little.</summary>
    private const int StepsPerPage = 16;

    public async Task<HistoryPage> ReadAsync(IReadOnlyList<TopicFilter> filters, long? before, int maxEntries, CancellationToken cancellationToken)
    {
        var view = tail.View ?? throw new StorageUnavailableException("The log has not been read yet.");
        TopicFilter[] all = [.. filters];
        var plan = new TopicPlan();
        var found = new List<LogEntry>();

        // A publisher that has its answer, from any node, finds it here although the tail may not have come there yet.
        var head = Math.Max(Math.Max(view.Head, view.Ring.End), (await tail.RefreshAsync(cancellationToken)).Head);
        var next = Math.Min(before ?? long.MaxValue, head + 1);
        for (var step = 0; step < StepsPerPage && next > view.Oldest; step++)
        {
            var now = clock.Now;
            var (entries, lowest) = await StepAsync(view, next, all, plan, cancellationToken);
            foreach (var entry in entries)
            {
                if (entry.Version < view.Oldest) break; // rows below it may have been dropped while they were read
                if (entry.Version >= next || !entry.IsNotification || entry.HasExpired(now) || !all.Any(f => f.Matches(entry.Topic))) continue;
                found.Add(entry.Entry);
                if (found.Count == maxEntries) return Page(entry.Version);
            }

            next = lowest;
        }

        return Page(next);

        HistoryPage Page(long end) => new(found, end > view.Oldest ? end : null, new LogHead(view.EpochId, head, view.Oldest));
    }

    /// <summary>Entries below <paramref name="before"/>, newest first, at least those that the filters match, and the lowest version examined.</summary>
    private async ValueTask<(IEnumerable<DeliveryEntry> Entries, long Lowest)> StepAsync(
        LogView view, long before, TopicFilter[] filters, TopicPlan plan, CancellationToken cancellationToken)
    {
        var first = view.Ring.First;
        if (before > first && before <= view.Ring.End + 1)
        {
            var after = Math.Max(first, before - StepEntries) - 1;
            var entries = new List<DeliveryEntry>();
            if (view.Ring.TryRead(after, (int)(before - 1 - after), entries)) return (Reversed(entries), after + 1);
        }

        if (await plan.TopicsAsync(log, filters, view.Oldest - 1, before - 1, cancellationToken) is { } topics)
        {
            var page = await replay.ReadStorageAsync(view, () =>
                log.ReadTopicsBackAsync(topics, before, StepEntries, StepBytes, cancellationToken), cancellationToken);
            plan.Examined(page.Entries.Count, page.Through - 1, before - 1);
            return (page.Entries, page.Through);
        }

        return await ScanAsync(view, before, cancellationToken);
    }

    /// <summary>One block of the log, up to <paramref name="before"/>; contents that are large make it several reads.</summary>
    private async Task<(IEnumerable<DeliveryEntry> Entries, long Lowest)> ScanAsync(LogView view, long before, CancellationToken cancellationToken)
    {
        var start = Math.Max((before - 2) / BlockCache.Size * BlockCache.Size, view.Oldest - 1);
        var entries = new List<DeliveryEntry>();
        for (var cursor = start; cursor < before - 1;)
        {
            var block = await replay.BlockAsync(view, cursor, isSettled: before <= view.Ring.First, cancellationToken);
            entries.AddRange(block.Entries.Where(entry => entry.Version > cursor && entry.Version < before));
            if (block.Through <= cursor) throw new StorageUnavailableException("The log ends before its head; this node is about to notice.");
            cursor = block.Through;
        }

        return (Reversed(entries), start + 1);
    }

    private static IEnumerable<DeliveryEntry> Reversed(List<DeliveryEntry> entries) => Enumerable.Reverse(entries);
}
