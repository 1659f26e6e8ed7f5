using Notify.Engine.Configuration;
using Notify.Engine.Observability;
using Notify.Storage.Log;

namespace Notify.Engine.Publishing;

/// <summary>One append after the other, and what is to be done when one has no answer.</summary>
/// <remarks>
/// Nothing stored: the same entries again, with growing pauses, until their publishers' deadline; at once an answer when
/// trying again changes nothing. Outcome unknown: the
/// very same batch (id and bytes) again before any other and for as long as it takes, although its publishers have
/// their 503 by then: the old attempt may still commit, and whatever came after it would change places with it.
/// </remarks>
internal sealed partial class AppendLoop(
    PublishQueue queue,
    INotificationLog log,
    ICommitObserver committed,
    AppendTurn turn,
    LimitSettings limits,
    PublishingMetrics metrics,
    TimeProvider time,
    ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    // Publishers that were just answered tend to publish again at once: the next append waits for them as long as the last
    // one took, within these bounds. (docs/decisions/0009)
    private static readonly TimeSpan ShortestPatience = TimeSpan.FromMilliseconds(1); // a timer's resolution
    private static readonly TimeSpan LongestPatience = TimeSpan.FromMilliseconds(5);

    // While delivery is behind, appends wait: looked at this often, and one goes at least this often.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan LongestHold = TimeSpan.FromSeconds(1);

    private readonly List<IPendingPublish> _gathered = [];

    // What is in flight, and whether any of it may be stored: the deadline timer reads both from another thread. A publish that is
    // refused while nothing is submitted is not in the next attempt.
    private readonly Lock _submitting = new();
    private IPendingPublish[] _inFlight = [];
    private bool _mayBeStored;

    // The loop's own: held from an attempt on until its outcome is known, so that no change of this node comes in between.
    private bool _hasTurn;

    private volatile bool _storesNothing;

    /// <summary>The last append did not succeed: the storage is away, or full, locked or read-only and only reads work.</summary>
    public bool StoresNothing => _storesNothing;

    /// <summary>Appends until the queue is closed and empty, or until <paramref name="stop"/>.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await HoldBackAsync(stop);
                if (!await queue.ReadAsync(_gathered, stop)) return;
                Hold([.. _gathered]);
                _gathered.Clear();
                await AppendAsync(stop);
                GiveTurn();
                Hold([]);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            GiveTurn();
            Refuse(_inFlight, _mayBeStored ? PublishRefusals.Unknown : PublishRefusals.Stopping);
            Refuse(queue.TakeStartedBefore(long.MaxValue), PublishRefusals.Stopping);
        }
    }

    /// <summary>Answers every publisher that has waited since before this time stamp.</summary>
    public void RefuseStartedBefore(long startedAt)
    {
        Refuse(queue.TakeStartedBefore(startedAt), PublishRefusals.NotSubmitted);
        lock (_submitting)
            Refuse(_inFlight.Where(publish => publish.StartedAt < startedAt), _mayBeStored ? PublishRefusals.Unknown : PublishRefusals.NotSubmitted);
    }

    /// <summary>
    /// Delivery goes before admission: while this node's own delivery is behind by more than the limit, publishers wait in the queue, and the next append
    /// takes more of them. Otherwise more is accepted than is delivered, and the delay grows for as long as the load lasts.
    /// </summary>
    private async ValueTask HoldBackAsync(CancellationToken stop)
    {
        if (limits.DeliveryLag == TimeSpan.Zero || committed.DeliveryLag <= limits.DeliveryLag) return;
        var began = time.GetTimestamp();
        do await Task.Delay(Look, TimeProvider.System, stop); // what it waits for takes real time, whatever the clock is
        while (committed.DeliveryLag > limits.DeliveryLag && time.GetElapsedTime(began) < LongestHold);
        metrics.HeldBack(time.GetElapsedTime(began));
    }

    private async Task AppendAsync(CancellationToken stop)
    {
        using var span = NotifyTraces.Append(_inFlight, static publish => publish.Trace, static publish => publish.Entries);
        Backoff? backoff = null;
        string? told = null;
        AppendBatch? unknown = null; // once an attempt had no answer: nothing but that very batch
        while (true)
        {
            if (!_hasTurn) await turn.TakeAsync(stop);
            _hasTurn = true;
            var batch = unknown ?? Submit();
            if (batch.Entries.Count == 0) return;
            var startedAt = time.GetTimestamp();
            string kind;
            try
            {
                var result = await log.AppendAsync(batch, stop);
                var took = time.GetElapsedTime(startedAt);
                metrics.Appended(batch.Entries.Count, took);
                _storesNothing = false;
                NotifyCommitted(result);
                queue.Expect(_inFlight.Length, Patience(took)); // before they are answered: a quick publisher would be counted twice
                Answer(result);
                return;
            }
            catch (AppendOutcomeUnknownException exception)
            {
                unknown = batch;
                kind = "unknown";
                Log.OutcomeUnknown(logger, batch.Entries.Count, exception);
            }
            catch (StorageUnavailableException exception) when (exception.Kind == StorageFailure.Permanent && unknown is null)
            {
                Log.Refused(logger, batch.Entries.Count, exception);
                _storesNothing = true;
                NotifyTraces.Fail(span, nameof(StorageFailure.Permanent));
                Refuse(_inFlight, PublishRefusals.Broken);
                return;
            }
            catch (StorageUnavailableException exception)
            {
                kind = exception.Kind.ToString().ToLowerInvariant();
                if (exception.Message != told) Log.NotStored(logger, batch.Entries.Count, exception); // the next attempt may find another cause
                told = exception.Message;
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !stop.IsCancellationRequested)
            {
                // A bug, here or in the store. Trying it for ever would stop all publishing on this node.
                Log.AppendFailed(logger, batch.Entries.Count, exception);
                NotifyTraces.Fail(span, exception.GetType().Name);
                Refuse(_inFlight, PublishRefusals.Unknown);
                return;
            }

            _storesNothing = true;
            if (unknown is null)
            {
                Hold(_inFlight);
                GiveTurn();
            }

            metrics.AppendRetried(kind);
            await (backoff ??= new Backoff(time, FirstPause, LongestPause)).WaitAsync(stop);
        }
    }

    private void GiveTurn()
    {
        if (!_hasTurn) return;
        _hasTurn = false;
        turn.Give();
    }

    /// <summary>These are next. Nothing of them is stored.</summary>
    private void Hold(IPendingPublish[] publishes)
    {
        lock (_submitting) (_inFlight, _mayBeStored) = (publishes, false);
    }

    /// <summary>The batch of the publishes that still wait: one that has been answered is not stored afterwards. From now on the batch may be stored.</summary>
    private AppendBatch Submit()
    {
        IPendingPublish[] waiting;
        lock (_submitting)
        {
            waiting = Array.TrueForAll(_inFlight, IsWaiting) ? _inFlight : Array.FindAll(_inFlight, IsWaiting);
            (_inFlight, _mayBeStored) = (waiting, true);
        }

        return new AppendBatch(Guid.CreateVersion7(), EntriesOf(waiting));
    }

    private static bool IsWaiting(IPendingPublish publish) => !publish.IsAnswered;

    private static NewEntry[] EntriesOf(IPendingPublish[] publishes)
    {
        var count = 0;
        foreach (var publish in publishes) count += publish.Entries;
        var (entries, at) = (new NewEntry[count], 0);
        foreach (var publish in publishes)
        {
            publish.CopyTo(entries.AsSpan(at));
            at += publish.Entries;
        }

        return entries;
    }

    private static TimeSpan Patience(TimeSpan took) => TimeSpan.FromTicks(Math.Clamp(took.Ticks, ShortestPatience.Ticks, LongestPatience.Ticks));

    // Delivery first: a publisher that was answered finds its notification when it reads.
    private void NotifyCommitted(AppendResult result)
    {
        if (result.Stored.Count == 0) return;
        metrics.Stored(result.Stored.Count);
        try
        {
            committed.Committed(result.Epoch, result.Stored);
        }
        catch (Exception exception)
        {
            Log.HandOverFailed(logger, result.Stored[0].Version, exception); // the tail reads it from the log
        }
    }

    private void Answer(AppendResult result)
    {
        var outcomes = new PublishOutcome[result.Outcomes.Count];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Outcome(result.Outcomes[i]);
        var rest = outcomes.AsSpan();
        foreach (var publish in _inFlight)
        {
            publish.Answer(rest[..publish.Entries]);
            rest = rest[publish.Entries..];
        }
    }

    private PublishOutcome Outcome(AppendOutcome outcome)
    {
        switch (outcome)
        {
            case AppendOutcome.Stored(var entry):
                return new PublishOutcome.Accepted(AcceptedAs.Stored, entry.Id, entry.Version, entry.Topic, entry.PublishedAt);
            case AppendOutcome.Replayed(var id, var version, var topic, var publishedAt):
                return new PublishOutcome.Accepted(AcceptedAs.Replayed, id, version, topic, publishedAt);
            case AppendOutcome.Conflict:
                metrics.Refused(PublishRefusals.Conflict.Refusal.Code);
                return PublishRefusals.Conflict;
            case AppendOutcome.Refused(var reason):
                Log.RowRefused(logger, reason);
                metrics.Refused(PublishRefusals.Row.Refusal.Code);
                return PublishRefusals.Row;
            default:
                throw new NotSupportedException(outcome.GetType().Name);
        }
    }

    private void Refuse(IEnumerable<IPendingPublish> publishes, PublishOutcome.Refused refused)
    {
        foreach (var publish in publishes)
        {
            if (publish.TryRefuse(refused)) metrics.Refused(refused.Refusal.Code, publish.Entries);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1001, LogLevel.Warning,
            "Append of {Entries} was not stored: storage does not answer. The node retries it until the publishers' deadline.")]
        public static partial void NotStored(ILogger logger, int entries, Exception exception);

        [LoggerMessage(1002, LogLevel.Error,
            "Append of {Entries} rejected permanently by storage; its publishers were answered 503 and nothing was stored. Operator action required: " +
            "correct what the error names; appends then resume by themselves.")]
        public static partial void Refused(ILogger logger, int entries, Exception exception);

        [LoggerMessage(1003, LogLevel.Warning, "Append of {Entries} got no answer and may be stored. The node repeats the same batch before any other.")]
        public static partial void OutcomeUnknown(ILogger logger, int entries, Exception exception);

        [LoggerMessage(1004, LogLevel.Error, "Append of {Entries} failed unexpectedly. Its publishers were answered that it may be stored.")]
        public static partial void AppendFailed(ILogger logger, int entries, Exception exception);

        [LoggerMessage(1005, LogLevel.Error, "Delivery did not accept the batch that begins at version {First}. The node reads it from the log instead.")]
        public static partial void HandOverFailed(ILogger logger, long first, Exception exception);

        [LoggerMessage(1006, LogLevel.Warning, "The database rejected one notification; its publisher was answered invalid_request: {Reason}")]
        public static partial void RowRefused(ILogger logger, string reason);
    }
}
