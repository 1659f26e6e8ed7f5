using System.Diagnostics;
using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;
using Notify.Engine.Observability;
using Notify.Storage.Log;

namespace Notify.Engine.Publishing;

/// <summary>
/// Where publishes become log entries. Group commit: one append is in flight and the next one gathers meanwhile,
/// and for a moment the publishers that were just answered, so that many share a commit; a lone publisher does not wait.
/// <see cref="AppendLoop"/> does the appending; this is its queue and its lifetime.
/// </summary>
/// <remarks>
/// A request is answered within <see cref="Deadline"/>: with its place, or with a 503 that says whether anything may
/// have been stored. It costs memory until then and no longer, however long storage is away.
/// </remarks>
internal sealed class Publisher : IHostedService, IDisposable
{
    /// <summary>Long enough for a database's failover to be ridden out under retries, short enough for a client's patience.</summary>
    internal static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    // How late a deadline may be noticed.
    private static readonly TimeSpan DeadlineCheck = TimeSpan.FromMilliseconds(250);

    private readonly PublishQueue _queue;
    private readonly AppendLoop _loop;
    private readonly ICommitObserver _committed;
    private readonly PublishingMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private ITimer? _deadlines;

    public Publisher(
        INotificationLog log,
        ICommitObserver committed,
        AppendTurn turn,
        IOptions<NotifyOptions> options,
        PublishingMetrics metrics,
        TimeProvider time,
        ILogger<Publisher> logger)
    {
        _queue = new PublishQueue(options.Value.Limits, time);
        _loop = new AppendLoop(_queue, log, committed, turn, options.Value.Limits, metrics, time, logger);
        _committed = committed;
        _metrics = metrics;
        _time = time;
        _metrics.ObserveQueue(() => _queue.Entries, () => _queue.Bytes);
    }

    /// <inheritdoc cref="AppendLoop.StoresNothing"/>
    public bool StoresNothing => _loop.StoresNothing;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _metrics.BeginAtZero();

        // Not on the caller's thread: the host waits for this method, not for the loop.
        _running = Task.Run(() => _loop.RunAsync(_stop.Token), CancellationToken.None);
        _deadlines =
            _time.CreateTimer(_ =>
            _loop.RefuseStartedBefore(_time.GetTimestamp() - (long)(Deadline.TotalSeconds * _time.TimestampFrequency)), null, DeadlineCheck, DeadlineCheck);
        return Task.CompletedTask;
    }

    /// <summary>Takes nothing more and finishes what is queued, until the deadline or the host's patience ends.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Close();
        try
        {
            await _running.WaitAsync(Deadline, _time, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            await _stop.CancelAsync();
            await _running;
        }

        if (_deadlines is not null) await _deadlines.DisposeAsync();
    }

    /// <summary>
    /// Publishes one. <paramref name="cancellationToken"/> counts until it is queued; after that the log decides,
    /// within the deadline, whether or not the caller still waits.
    /// </summary>
    public Task<PublishOutcome> PublishAsync(PublishCommand command, IdempotencyKey? key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return NotifyTraces.IsListenedTo ? TraceAsync(command, key) : PublishAsync(command, key);
    }

    /// <summary>Publishes these: the stored ones together, in their order, with versions that follow one another.</summary>
    public async Task<IReadOnlyList<PublishOutcome>> PublishAsync(IReadOnlyList<(PublishCommand Command, IdempotencyKey? Key)> items,
        CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var span = NotifyTraces.Publish(items.Count);
        var stored = items.Where(item => !item.Command.Ephemeral).Select(item => NewEntry(item.Command, item.Key)).ToArray();
        var answers = stored.Length > 0 ? await EnqueueAsync(new PendingBatch(stored, _time.GetTimestamp())) : [];
        if (span is not null) Mark(span, Array.Find(answers, answer => answer is PublishOutcome.Refused));
        if (stored.Length == items.Count) return answers;

        var outcomes = new PublishOutcome[items.Count];
        for (var (i, next) = (0, 0); i < outcomes.Length; i++) outcomes[i] = items[i].Command.Ephemeral ? SendEphemeral(items[i].Command) : answers[next++];
        return outcomes;
    }

    public void Dispose()
    {
        _deadlines?.Dispose();
        _queue.Dispose();
        _stop.Dispose();
    }

    // An asynchronous method begins the span, so that it does not stay the caller's current activity after it has ended.
    private async Task<PublishOutcome> TraceAsync(PublishCommand command, IdempotencyKey? key)
    {
        using var span = NotifyTraces.Publish(1);
        var outcome = await PublishAsync(command, key);
        Mark(span, outcome);
        return outcome;
    }

    private Task<PublishOutcome> PublishAsync(PublishCommand command, IdempotencyKey? key) => command.Ephemeral
        ? Task.FromResult(SendEphemeral(command))
        : EnqueueAsync(new PendingSingle(NewEntry(command, key), _time.GetTimestamp()));

    private Task<TAnswer> EnqueueAsync<TAnswer>(PendingPublish<TAnswer> publish)
    {
        if (_queue.TryAdd(publish) is { } refused)
        {
            publish.TryRefuse(refused);
            _metrics.Refused(refused.Refusal.Code, publish.Entries);
        }

        return publish.Task;
    }

    private PublishOutcome SendEphemeral(PublishCommand command)
    {
        if (command.Content.Length > _committed.EphemeralBytes)
        {
            var refused = PublishRefusals.EphemeralTooLarge(_committed.EphemeralBytes);
            _metrics.Refused(refused.Refusal.Code);
            return refused;
        }

        var now = _time.GetUtcNow();
        var id = Guid.CreateVersion7();
        _committed.Ephemeral(new LogEntry
        {
            Version = 0,
            Id = id,
            Topic = command.Topic,
            PublishedAt = now,
            ExpiresAt = command.TtlSeconds is { } ttl ? now.AddSeconds(ttl) : null,
            Content = command.Content,
        });
        _metrics.Ephemeral();
        return new PublishOutcome.Accepted(AcceptedAs.Ephemeral, id, 0, command.Topic, now);
    }

    private static void Mark(Activity? span, PublishOutcome? outcome)
    {
        if (outcome is PublishOutcome.Refused { Refusal.Code: var code }) NotifyTraces.Fail(span, code);
    }

    private static NewEntry NewEntry(PublishCommand command, IdempotencyKey? key) => new()
    {
        Id = Guid.CreateVersion7(),
        Topic = command.Topic,
        Content = command.Content,
        TtlSeconds = command.TtlSeconds,
        Key = key,
    };
}
