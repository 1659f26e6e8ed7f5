using System.Threading.Channels;
using Notify.Engine.Observability;
using Notify.Engine.Pacing;
using Notify.Engine.Publishing;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Directory;

/// <summary>One batch of changes after the other, in turn with the appends; what comes meanwhile is the next batch.</summary>
/// <remarks>
/// As for appends: nothing made is tried again until the callers' deadline, an unknown outcome under the very same batch
/// and before anything else of this node, however long it takes.
/// </remarks>
internal sealed partial class ChangeLoop(
    ChannelReader<PendingChange> queue, INotificationLog log, ICommitObserver committed, AppendTurn turn, DirectoryLimits limits, TimeProvider time,
        ILogger logger,
    PeopleMetrics? metrics)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private PendingChange[] _inFlight = [];
    private PendingChange? _next;

    /// <summary>Makes changes until the queue is completed and empty, or until <paramref name="stop"/>.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (_next is not null || await queue.WaitToReadAsync(stop))
            {
                Gather();
                if (_inFlight.Length > 0) await MakeAsync(stop);
                _inFlight = [];
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            foreach (var pending in _inFlight) pending.Expire(ChangeRefusals.Stopping);
            _next?.Expire(ChangeRefusals.Stopping);
            while (queue.TryRead(out var pending)) pending.Expire(ChangeRefusals.Stopping);
        }
    }

    /// <summary>What waits, as far as it may be one transaction.</summary>
    private void Gather()
    {
        var gathered = new List<PendingChange>();
        var rows = 0;
        while (_next is not null || queue.TryRead(out _next))
        {
            rows += _next.Change.Rows;
            if (gathered.Count > 0 && rows > ChangeBatch.MostRows) break;
            gathered.Add(_next);
            _next = null;
        }

        _inFlight = [.. gathered];
    }

    private async Task MakeAsync(CancellationToken stop)
    {
        ChangeBatch? unknown = null; // once an attempt had no answer: nothing but that very batch
        var hasTurn = false;
        Backoff? backoff = null;
        Exception? last = null;
        try
        {
            while (true)
            {
                if (!hasTurn) await turn.TakeAsync(stop);
                hasTurn = true;
                var batch = unknown ?? Submit();
                if (batch.Changes.Count == 0) return;
                if (await TryAsync(batch, unknown is not null, last?.Message, stop) is not { } failure) return;
                last = failure;
                if (failure is AppendOutcomeUnknownException) unknown = batch;
                if (unknown is null)
                {
                    foreach (var pending in _inFlight) pending.Withdraw();
                    turn.Give(); // publishing may go on
                    hasTurn = false;
                }

                await (backoff ??= new Backoff(time, FirstPause, LongestPause)).WaitAsync(stop);
            }
        }
        finally
        {
            if (hasTurn) turn.Give();
        }
    }

    /// <summary>Null: every caller has an answer.</summary>
    private async Task<Exception?> TryAsync(ChangeBatch batch, bool isRepeat, string? logged, CancellationToken stop)
    {
        try
        {
            var since = time.GetTimestamp();
            using (NotifyTraces.Changes(batch.Changes.Count)) Answer(await log.Directory.ChangeAsync(batch, stop));
            metrics?.Took(since);
            return null;
        }
        catch (AppendOutcomeUnknownException exception)
        {
            Log.OutcomeUnknown(logger, batch.Changes.Count, exception);
            return exception;
        }
        catch (StorageUnavailableException exception) when (exception.Kind == StorageFailure.Permanent && !isRepeat)
        {
            Log.Refused(logger, batch.Changes.Count, exception);
            foreach (var pending in _inFlight) pending.TrySetResult(ChangeRefusals.Broken);
            return null;
        }
        catch (StorageUnavailableException exception)
        {
            if (exception.Message != logged) Log.NotMade(logger, batch.Changes.Count, exception); // another attempt may find another cause
            return exception;
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            // A bug, here or in the store. Trying it for ever would stop this node's writing.
            Log.Failed(logger, batch.Changes.Count, exception);
            foreach (var pending in _inFlight) pending.TrySetResult(ChangeRefusals.Unknown);
            return null;
        }
    }

    private ChangeBatch Submit()
    {
        _inFlight = Array.FindAll(_inFlight, pending => pending.TrySubmit());
        return new ChangeBatch(Guid.CreateVersion7(), Array.ConvertAll(_inFlight, pending => pending.Change), limits);
    }

    // Delivery first: it has the entries before a caller can publish because of the answer.
    private void Answer(ChangeResult result)
    {
        if (result.Stored.Count > 0)
        {
            try
            {
                committed.Committed(result.Epoch, result.Stored);
            }
            catch (Exception exception)
            {
                Log.HandOverFailed(logger, result.Stored[0].Version, exception); // the tail reads it from the log
            }
        }

        for (var i = 0; i < _inFlight.Length; i++)
        {
            var outcome = result.Outcomes[i];
            _inFlight[i].TrySetResult((ChangeAnswer?)ChangeRefusals.Of(outcome, limits) ?? new ChangeAnswer.Made(result.Epoch, result.Head, outcome));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5010, LogLevel.Warning,
            "{Changes} changes of users and groups were not made: storage does not answer. The node retries them until the callers' deadline.")]
        public static partial void NotMade(ILogger logger, int changes, Exception exception);

        [LoggerMessage(5011, LogLevel.Error,
            "{Changes} changes of users and groups rejected permanently by storage; their callers were answered 503 and nothing was changed. Operator " +
            "action required: correct what the error names; changes then resume by themselves.")]
        public static partial void Refused(ILogger logger, int changes, Exception exception);

        [LoggerMessage(5012, LogLevel.Warning,
            "A batch of {Changes} changes of users and groups got no answer and may be made. The node repeats the same batch before any other.")]
        public static partial void OutcomeUnknown(ILogger logger, int changes, Exception exception);

        [LoggerMessage(5013, LogLevel.Error,
            "A batch of {Changes} changes of users and groups failed unexpectedly. Its callers were answered that it may be made.")]
        public static partial void Failed(ILogger logger, int changes, Exception exception);

        [LoggerMessage(5014, LogLevel.Error, "Delivery did not accept the changes from version {First} on. The node reads them from the log instead.")]
        public static partial void HandOverFailed(ILogger logger, long first, Exception exception);
    }
}
