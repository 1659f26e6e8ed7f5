using Notify.Engine.Delivery.Frames;
using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>
/// Compares at intervals what this node has delivered with what the log has. It should never find anything: hints are
/// checked, holes are read, the head is polled. What it finds all the same (a forged hint, a bug, rows changed by hand) is
/// counted and told, and repaired where the log has something better: the node reads it again, and a session that was sent
/// something else gets a Gap before it.
/// </summary>
internal sealed partial class Reconciler(
    TailPosition position, LogTail tail, INotificationLog log, TailMetrics metrics, TimeProvider time, ILogger<Reconciler> logger) : NodeService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <summary>The tail's own poll and read come well within it.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>What one look reads at most.</summary>
    private const int Entries = 1_000;
    private const int Bytes = 1024 * 1024;

    private LogView? _view;
    private long _end;
    private long _head;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(Interval * (0.5 + Random.Shared.NextDouble()), time, stoppingToken); // nodes do not look together
            try
            {
                await ReconcileAsync(stoppingToken);
            }
            catch (StorageUnavailableException)
            {
                // The tail says so; the next look will do.
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.Failed(logger, exception); // a bug, and no reason to stop looking
            }
        }
    }

    /// <summary>One look. Asks the log nothing when nothing was delivered and nothing was committed since the last one.</summary>
    internal async Task ReconcileAsync(CancellationToken cancellationToken)
    {
        if (position.View is not { } view) return;
        var end = view.Ring.End;
        var stood = ReferenceEquals(view, _view) && end == _end;
        if (stood && view.Head <= end) return;

        var after = Math.Max(Math.Max(view.Ring.First, view.Oldest) - 1, end - Entries);
        var delivered = new List<DeliveryEntry>();
        if (!view.Ring.TryRead(after, (int)(end - after), delivered)) return; // let go meanwhile
        var page = await log.ReadAsync(after, Entries, Bytes, cancellationToken);
        if (page.Head.Epoch != view.EpochId || page.Head.Head < end) return; // for the tail to see

        var wasAhead = stood && _head > end;
        (_view, _end, _head) = (view, end, page.Head.Head);
        if (Compare(delivered, page) is { } first) tail.Distrust(view, first);
        else if (wasAhead && await StandsStillAsync(view, end, cancellationToken))
        {
            Log.Behind(logger, end, page.Head.Head);
            metrics.Reconciled(Discrepancy.Behind, page.Head.Head - end);
            tail.Distrust(view, page.Head.Head + 1); // no session was sent anything wrong
        }
    }

    /// <summary>Counts what is wrong; → the first version for which the log has something better.</summary>
    private long? Compare(List<DeliveryEntry> delivered, LogPage page)
    {
        var stored = page.Entries.ToDictionary(entry => entry.Version);
        long? different = null, absent = null;
        foreach (var (version, entry) in delivered.Select(it => (it.Version, it.Entry)))
        {
            if (version > page.Through || version < page.Head.Oldest) continue;
            var found = stored.GetValueOrDefault(version);
            if (found is null)
            {
                absent ??= version;
                metrics.Reconciled(Discrepancy.Absent, 1);
            }
            else if (!IsSame(entry, found))
            {
                different ??= version;
                metrics.Reconciled(Discrepancy.Different, 1);
            }
        }

        if (different is { } one) Log.Differs(logger, one);
        if (absent is { } other) Log.IsAbsent(logger, other);
        return absent is null ? different : null; // a log with a hole cannot be read anew
    }

    private static bool IsSame(LogEntry one, LogEntry other) =>
        (one.Id, one.Kind, one.Topic, one.TopicSeq) == (other.Id, other.Kind, other.Topic, other.TopicSeq)
            && one.Content.Span.SequenceEqual(other.Content.Span);

    private async Task<bool> StandsStillAsync(LogView view, long end, CancellationToken cancellationToken)
    {
        await Task.Delay(Grace, time, cancellationToken);
        return ReferenceEquals(view, position.View) && view.Ring.End == end;
    }

    private static partial class Log
    {
        [LoggerMessage(2020, LogLevel.Error,
            "Version {Version} (and perhaps later ones) as delivered by this node differs from the log. The node reads the log again. Check for forged " +
            "messages on the backplane or rows changed by hand.")]
        public static partial void Differs(ILogger logger, long version);

        [LoggerMessage(2021, LogLevel.Error,
            "The log no longer has version {Version} (and perhaps later ones), which this node delivered; clients that reconnect will not get it. Rows were " +
            "deleted by hand: restore the database, or run new-epoch.")]
        public static partial void IsAbsent(ILogger logger, long version);

        [LoggerMessage(2022, LogLevel.Error, "This node is still at version {End} although the log reached {Head} some time ago. It reads the log again.")]
        public static partial void Behind(ILogger logger, long end, long head);

        [LoggerMessage(2023, LogLevel.Error, "Comparing the ring with the log failed unexpectedly. The next comparison tries again.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
