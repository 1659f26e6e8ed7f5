using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Configuration;
using Notify.Engine.Observability;
using Notify.Engine.Publishing;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Publishing;

public sealed class PublisherTests : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LongestHold = TimeSpan.FromSeconds(1);

    /// <summary>How long an append waits for publishers that were just answered.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private readonly ListLog _log = new();
    private readonly HandedOver _handedOver = new();
    private readonly FakeTimeProvider _time = new();
    private readonly NotifyOptions _options = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly AppendTurn _turn = new();
    private Publisher? _publisher;

    public async ValueTask DisposeAsync()
    {
        _log.BeforeAppend = (_, _) => Task.CompletedTask;
        if (_publisher is not null)
        {
            using var now = new CancellationTokenSource(TimeSpan.Zero);
            await _publisher.StopAsync(now.Token);
            _publisher.Dispose();
        }

        _turn.Dispose();
        await _services.DisposeAsync();
    }

    [Fact]
    public async Task A_publish_is_answered_with_its_place_and_handed_on()
    {
        var accepted = Accepted(await PublishAsync("a"));
        Assert.Equal((AcceptedAs.Stored, 1L, "a"), (accepted.As, accepted.Version, accepted.Topic));
        Assert.Equal(7, accepted.Id.Version);
        Assert.Equal(accepted.Id, Assert.Single(_handedOver.Stored).Id);
    }

    [Fact]
    public async Task One_append_is_in_flight_and_the_next_batch_gathers_meanwhile()
    {
        var (gate, first) = await HoldAsync("0");
        var others = Enumerable.Range(1, 63).Select(i => PublishAsync($"{i}")).ToArray();
        Assert.Single(_log.Batches);

        gate.SetResult();
        await first;
        await UntilStepping(() => others.All(publish => publish.IsCompleted), Patience);
        Assert.Equal([1, 63], _log.Batches.Select(batch => batch.Entries.Count));
        Assert.Equal(Enumerable.Range(0, 64).Select(i => $"{i}"), _log.Entries.Select(entry => entry.Topic));
        Assert.Equal(_log.Entries.Select(entry => entry.Version), _handedOver.Stored.Select(entry => entry.Version));
    }

    [Fact]
    public async Task A_publisher_that_was_just_answered_is_in_the_next_batch_with_those_that_waited()
    {
        var (gate, first) = await HoldAsync("0");
        var other = PublishAsync("1");
        gate.SetResult();
        await first;
        await Task.WhenAll(other, PublishAsync("2")).WaitAsync(Soon, Cancel);
        Assert.Equal([1, 2], _log.Batches.Select(batch => batch.Entries.Count));
    }

    [Fact]
    public async Task A_publisher_that_does_not_come_back_is_not_waited_for_longer_and_not_again()
    {
        var (gate, first) = await HoldAsync("0");
        var other = PublishAsync("1");
        gate.SetResult();
        await first;
        await Task.Delay(20, Cancel);
        Assert.False(other.IsCompleted);
        await UntilStepping(() => other.IsCompleted, Patience);

        for (var i = 0; i < 7; i++)
        {
            (gate, first) = await HoldAsync("2");
            other = PublishAsync("3");
            gate.SetResult();
            await Task.WhenAll(first, other).WaitAsync(Soon, Cancel); // no time passes
        }
    }

    [Fact]
    public async Task An_append_is_bounded_but_a_batch_is_never_split()
    {
        var (gate, first) = await HoldAsync("first");
        var batches = Enumerable.Range(0, 3).Select(i => Publisher.PublishAsync([.. Enumerable.Repeat((Command($"b{i}"), (IdempotencyKey?)null), 600)], Cancel))
            .ToArray();
        gate.SetResult();
        await first;
        await UntilStepping(() => batches.All(publish => publish.IsCompleted), Patience);
        Assert.Equal([1, 600, 600, 600], _log.Batches.Select(batch => batch.Entries.Count));
    }

    [Fact]
    public async Task A_full_queue_refuses_at_once()
    {
        _options.Limits.PublishQueueEntries = 2;
        var (gate, inFlight) = await HoldAsync("in flight");
        var queued = new[] { PublishAsync("1"), PublishAsync("2") };

        var refused = PublishAsync("3");
        Assert.True(refused.IsCompleted);
        Assert.Equal(ErrorCodes.StorageUnavailable, Refused(await refused).Code);
        gate.SetResult();
        await inFlight;
        await UntilStepping(() => queued.All(publish => publish.IsCompleted), Patience);
    }

    [Fact]
    public async Task A_queue_full_of_bytes_refuses_at_once()
    {
        _options.Limits.PublishQueueBytes = 1024;
        Assert.Equal(ErrorCodes.StorageUnavailable, Refused(await Publisher.PublishAsync(Command("a") with { Content = new byte[2048] }, null, Cancel)).Code);
    }

    [Fact]
    public async Task At_the_deadline_the_queued_know_that_nothing_was_stored_and_the_submitted_that_it_may_be()
    {
        var (gate, submitted) = await HoldAsync("submitted");
        var queued = PublishAsync("queued");

        _time.Advance(Publisher.Deadline + TimeSpan.FromSeconds(1));
        Assert.Contains("Nothing was stored", Refused(await queued.WaitAsync(Soon, Cancel)).Detail, StringComparison.Ordinal);
        Assert.Contains("may or may not be stored", Refused(await submitted.WaitAsync(Soon, Cancel)).Detail, StringComparison.Ordinal);

        gate.SetResult();
        await Until(() => _handedOver.Stored.Count == 1);
        Assert.Equal("submitted", Assert.Single(_log.Entries).Topic);
    }

    [Fact]
    public async Task While_storage_is_away_the_same_entries_are_tried_again()
    {
        _log.IsAway = true;
        var publish = PublishAsync("a");
        await Until(() => _log.Batches.Count == 1);
        _log.IsAway = false;
        await UntilStepping(() => publish.IsCompleted);
        Assert.Equal(1, Accepted(await publish).Version);
    }

    [Fact]
    public async Task What_trying_again_would_not_change_is_answered_at_once_and_the_next_one_is_tried()
    {
        _log.BeforeAppend = (_, _) => throw new StorageUnavailableException("No right to, as told.") { Kind = StorageFailure.Permanent };
        Assert.Contains("Nothing was stored", Refused(await PublishAsync("refused").WaitAsync(Soon, Cancel)).Detail, StringComparison.Ordinal);
        Assert.Single(_log.Batches);

        _log.BeforeAppend = (_, _) => Task.CompletedTask;
        Assert.Equal(1, Accepted(await PublishAsync("next")).Version);
    }

    [Fact]
    public async Task A_refused_publish_and_its_append_are_failed_spans()
    {
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == NotifyTraces.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var trace = new Activity("this test alone").SetIdFormat(ActivityIdFormat.W3C).Start();
        trace.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        _log.BeforeAppend = (_, _) => throw new StorageUnavailableException("No right to, as told.") { Kind = StorageFailure.Permanent };
        Refused(await PublishAsync("refused"));
        _log.BeforeAppend = (_, _) => Task.CompletedTask;
        Accepted(await PublishAsync("stored"));
        Assert.Same(trace, Activity.Current); // what the publisher does next is no part of a publish that has ended
        await Until(() => Mine().Count == 4);

        (string, ActivityStatusCode, object?)[] expected =
        [
            ("append", ActivityStatusCode.Error, "Permanent"), ("append", ActivityStatusCode.Unset, null),
            ("publish", ActivityStatusCode.Error, ErrorCodes.StorageUnavailable), ("publish", ActivityStatusCode.Unset, null),
        ];
        Assert.Equal(expected, Mine().Select(span => (span.OperationName, span.Status, span.GetTagItem("error.type")))
            .OrderBy(span => (span.OperationName, span.Status == ActivityStatusCode.Unset)));

        List<Activity> Mine() => [.. ended.Where(span => span.TraceId == trace.TraceId)];
    }

    [Fact]
    public async Task What_may_be_stored_is_repeated_also_when_storage_then_refuses_for_good()
    {
        Exception[] failures =
            [new AppendOutcomeUnknownException("Cut, as told."), new StorageUnavailableException("No right to, as told.") { Kind = StorageFailure.Permanent }];
        _log.BeforeAppend = (_, _) => _log.Batches.Count <= failures.Length ? throw failures[_log.Batches.Count - 1] : Task.CompletedTask;
        var publish = PublishAsync("a");
        await UntilStepping(() => publish.IsCompleted);
        Assert.Equal(1, Accepted(await publish).Version);
        Assert.Single(_log.Batches.Select(batch => batch.Id).Distinct());
    }

    [Fact]
    public async Task What_was_refused_at_its_deadline_is_not_stored_when_storage_returns()
    {
        using var counted = new Readings(_services.GetRequiredService<IMeterFactory>());
        _log.IsAway = true;
        var publish = PublishAsync("late");
        await Until(() => counted["notify.append.retries"] == 1); // between two attempts: known not to be stored

        _time.Advance(Publisher.Deadline + TimeSpan.FromSeconds(1));
        Assert.Contains("Nothing was stored", Refused(await publish.WaitAsync(Soon, Cancel)).Detail, StringComparison.Ordinal);

        _log.IsAway = false;
        var next = PublishAsync("next");
        await UntilStepping(() => next.IsCompleted);
        Assert.Equal("next", Assert.Single(_log.Entries).Topic);
    }

    [Fact]
    public async Task An_append_without_an_answer_is_repeated_as_it_was_before_any_other_and_beyond_the_deadline()
    {
        var unknown = true;
        _log.BeforeAppend = (_, _) => unknown ? throw new AppendOutcomeUnknownException("Cut, as told.") : Task.CompletedTask;
        var first = PublishAsync("first");
        await Until(() => _log.Batches.Count == 1);
        await UntilStepping(() => first.IsCompleted);
        Assert.Contains("may or may not be stored", Refused(await first).Detail, StringComparison.Ordinal);

        var second = PublishAsync("second");
        var tried = _log.Batches.Count;
        _time.Advance(TimeSpan.FromSeconds(2));
        await UntilStepping(() => _log.Batches.Count > tried, TimeSpan.FromMilliseconds(10));
        unknown = false;
        await UntilStepping(() => second.IsCompleted, TimeSpan.FromMilliseconds(10));

        var attempts = _log.Batches;
        Assert.All(attempts.SkipLast(1), batch => Assert.Equal(attempts[0].Id, batch.Id));
        Assert.All(attempts.SkipLast(1), batch => Assert.Same(attempts[0].Entries[0], Assert.Single(batch.Entries)));
        Assert.Equal(["first", "second"], _log.Entries.Select(entry => entry.Topic));
    }

    [Fact]
    public async Task A_store_that_fails_as_it_should_not_does_not_stop_publishing()
    {
        _log.BeforeAppend = (batch, _) => batch.Entries[0].Topic == "poison" ? throw new InvalidOperationException("A bug, as told.") : Task.CompletedTask;
        Assert.Equal(ErrorCodes.StorageUnavailable, Refused(await PublishAsync("poison").WaitAsync(Soon, Cancel)).Code);
        Assert.Equal(1, Accepted(await PublishAsync("a").WaitAsync(Soon, Cancel)).Version);
    }

    [Fact]
    public async Task A_repeat_under_its_key_gets_the_first_answer_and_another_request_a_conflict()
    {
        var key = new IdempotencyKey("p", "k", new byte[] { 1 });
        var first = Accepted(await Publisher.PublishAsync(Command("a"), key, Cancel));
        var repeat = Accepted(await Publisher.PublishAsync(Command("a"), key, Cancel));
        Assert.Equal(first with { As = AcceptedAs.Replayed }, repeat);
        Assert.Equal(ErrorCodes.IdempotencyConflict,
            Refused(await Publisher.PublishAsync(Command("a"), key with { RequestHash = new byte[] { 2 } }, Cancel)).Code);
    }

    [Fact]
    public async Task An_ephemeral_one_is_handed_on_and_not_stored()
    {
        var outcomes = await Publisher.PublishAsync([(Command("a") with { Ephemeral = true, TtlSeconds = 60 }, null), (Command("b"), null)], Cancel);
        var ephemeral = Accepted(outcomes[0]);
        Assert.Equal((AcceptedAs.Ephemeral, 0L, _time.GetUtcNow()), (ephemeral.As, ephemeral.Version, ephemeral.PublishedAt));
        Assert.Equal(1, Accepted(outcomes[1]).Version);
        var handed = Assert.Single(_handedOver.EphemeralOnes);
        Assert.Equal((0L, ephemeral.Id, _time.GetUtcNow().AddSeconds(60)), (handed.Version, handed.Id, handed.ExpiresAt!.Value));
        Assert.Equal("b", Assert.Single(_log.Entries).Topic);
    }

    [Fact]
    public async Task Each_item_has_its_answer_in_its_place_also_between_ephemeral_ones()
    {
        var single = Accepted(await Publisher.PublishAsync(Command("alone") with { Ephemeral = true }, null, Cancel));
        Assert.Equal((AcceptedAs.Ephemeral, "alone"), (single.As, single.Topic));
        var outcomes = await Publisher.PublishAsync(
            [(Command("a"), null), (Command("b") with { Ephemeral = true }, null), (Command("c"), null), (Command("d"), null)], Cancel);
        Assert.Equal([("a", 1), ("b", 0), ("c", 2), ("d", 3)], outcomes.Select(Accepted).Select(place => (place.Topic, place.Version)));
        var ephemeral = await Publisher.PublishAsync([(Command("e") with { Ephemeral = true }, null)], Cancel);
        Assert.Equal("e", Accepted(Assert.Single(ephemeral)).Topic);
        Assert.Single(_log.Batches);
    }

    [Fact]
    public async Task What_waits_what_was_sent_and_what_was_refused_is_counted()
    {
        using var counted = new Readings(_services.GetRequiredService<IMeterFactory>());
        _options.Limits.PublishQueueEntries = 3;
        var (gate, inFlight) = await HoldAsync("in flight");
        var queued = Publisher.PublishAsync([(Command("a"), null), (Command("b"), null)], Cancel);
        counted.ReadGauges();
        Assert.Equal([2d], counted.Measured("notify.publish.queue.entries"));
        Assert.InRange(counted["notify.publish.queue.bytes"], 2 * Command("a").Content.Length, long.MaxValue);

        Refused((await Publisher.PublishAsync([(Command("c"), null), (Command("d"), null)], Cancel))[0]);
        Assert.Equal(2, counted["notify.publish.refused", ErrorCodes.StorageUnavailable]);
        Accepted(await Publisher.PublishAsync(Command("e") with { Ephemeral = true }, null, Cancel));
        Assert.Equal(1, counted["notify.published.ephemeral"]);
        gate.SetResult();
        await inFlight;
        await UntilStepping(() => queued.IsCompleted, Patience);
        Assert.Equal(3, counted["notify.published"]);
    }

    [Fact]
    public async Task An_ephemeral_one_that_the_backplane_cannot_carry_is_refused_and_counted()
    {
        using var counted = new Readings(_services.GetRequiredService<IMeterFactory>());
        _handedOver.EphemeralBytes = 100;
        Accepted(await Publisher.PublishAsync(Command("a") with { Ephemeral = true, Content = new byte[100] }, null, Cancel));
        var refusal = Refused(await Publisher.PublishAsync(Command("a") with { Ephemeral = true, Content = new byte[101] }, null, Cancel));
        Assert.Equal(ErrorCodes.InvalidRequest, refusal.Code);
        Assert.Equal((1, 1), (counted["notify.published.ephemeral"], counted["notify.publish.refused", ErrorCodes.InvalidRequest]));
        Assert.Single(_handedOver.EphemeralOnes);
    }

    [Fact]
    public async Task A_caller_that_has_gone_publishes_nothing()
    {
        using var gone = new CancellationTokenSource();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Publisher.PublishAsync(Command("a"), null, gone.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Publisher.PublishAsync([(Command("a"), null)], gone.Token));
        await Publisher.StopAsync(Cancel);
        Assert.Empty(_log.Batches);
    }

    [Fact]
    public async Task Stopping_finishes_what_is_queued_and_takes_nothing_more()
    {
        var (gate, inFlight) = await HoldAsync("in flight");
        var queued = PublishAsync("queued");
        var stop = Publisher.StopAsync(Cancel);
        Assert.Contains("stopping", Refused(await PublishAsync("late")).Detail, StringComparison.Ordinal);

        gate.SetResult();
        await stop.WaitAsync(Soon, Cancel);
        Assert.Equal(1, Accepted(await inFlight).Version);
        Assert.Equal(2, Accepted(await queued).Version);
    }

    [Fact]
    public async Task Stopping_does_not_wait_for_a_storage_that_is_away()
    {
        _log.BeforeAppend = (_, cancellation) => Task.Delay(Timeout.Infinite, cancellation);
        var submitted = PublishAsync("submitted");
        await Until(() => _log.Batches.Count == 1);
        var queued = PublishAsync("queued");
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Publisher.StopAsync(patience.Token).WaitAsync(Soon, Cancel);
        Assert.Contains("may or may not", Refused(await submitted.WaitAsync(Soon, Cancel)).Detail, StringComparison.Ordinal);
        Assert.Contains("Nothing was stored", Refused(await queued.WaitAsync(Soon, Cancel)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_delivery_is_behind_publishers_wait_and_the_next_append_takes_them_together()
    {
        await FallBehindAsync(_options.Limits.DeliveryLag + TimeSpan.FromMilliseconds(1));
        var held = new[] { "a", "b", "c" }.Select(PublishAsync).ToArray();
        await LooksAsync();
        Assert.Equal(2, _log.Batches.Count);
        Assert.DoesNotContain(held, publish => publish.IsCompleted);

        _handedOver.DeliveryLag = _options.Limits.DeliveryLag;
        await Task.WhenAll(held).WaitAsync(Soon, Cancel);
        Assert.Equal(3, _log.Batches[2].Entries.Count);
    }

    [Fact]
    public async Task However_far_delivery_is_behind_one_append_a_second_goes()
    {
        await FallBehindAsync(TimeSpan.FromMinutes(1));
        var held = PublishAsync("held");
        await LooksAsync();
        _time.Advance(LongestHold - TimeSpan.FromTicks(1));
        await LooksAsync();
        Assert.Equal(2, _log.Batches.Count);
        _time.Advance(TimeSpan.FromTicks(1));
        Accepted(await held.WaitAsync(Soon, Cancel));
    }

    [Fact]
    public async Task Without_a_limit_delivery_holds_nobody_back()
    {
        _options.Limits.DeliveryLag = TimeSpan.Zero;
        _handedOver.DeliveryLag = TimeSpan.FromMinutes(1);
        for (var i = 0; i < 3; i++) Accepted(await PublishAsync("a").WaitAsync(Soon, Cancel));
    }

    /// <summary>Delivery is behind, and the loop's next look finds it so: two appends have gone before it.</summary>
    private async Task FallBehindAsync(TimeSpan lag)
    {
        Accepted(await PublishAsync("before").WaitAsync(Soon, Cancel));
        await Eventually.TrueAsync(() => _handedOver.Looks == 2, "the loop has looked and waits for a publisher");
        _handedOver.DeliveryLag = lag;
        Accepted(await PublishAsync("the append after it was looked at").WaitAsync(Soon, Cancel));
    }

    /// <summary>The loop, which holds publishers back, has looked again, and taken what it saw for what it is.</summary>
    private async Task LooksAsync()
    {
        var before = _handedOver.Looks;
        await Eventually.TrueAsync(() => _handedOver.Looks >= before + 3, "the loop looks again");
    }

    private Publisher Publisher => _publisher ??= Start();

    private Publisher Start()
    {
        var metrics = new PublishingMetrics(_services.GetRequiredService<IMeterFactory>());
        var publisher = new Publisher(_log, _handedOver, _turn, Options.Create(_options), metrics, _time, NullLogger<Publisher>.Instance);
        Assert.True(publisher.StartAsync(Cancel).IsCompletedSuccessfully);
        return publisher;
    }

    private Task<PublishOutcome> PublishAsync(string topic) => Publisher.PublishAsync(Command(topic), null, Cancel);

    private static PublishCommand Command(string topic) => new(topic, "{}"u8.ToArray(), null, false, null);

    /// <summary>Publishes one, and holds its append until the gate opens.</summary>
    private async Task<(TaskCompletionSource Gate, Task<PublishOutcome> InFlight)> HoldAsync(string topic)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _log.BeforeAppend = (_, cancellation) => gate.Task.WaitAsync(cancellation);
        var before = _log.Batches.Count;
        var inFlight = PublishAsync(topic);
        await Until(() => _log.Batches.Count == before + 1);
        return (gate, inFlight);
    }

    private static PublishOutcome.Accepted Accepted(PublishOutcome outcome) => Assert.IsType<PublishOutcome.Accepted>(outcome);

    private static Engine.Refusal Refused(PublishOutcome outcome) => Assert.IsType<PublishOutcome.Refused>(outcome).Refusal;

    private static Task Until(Func<bool> condition) => UntilAsync(condition, () => { });

    /// <summary>Lets the publisher's pauses pass until the condition holds.</summary>
    private Task UntilStepping(Func<bool> condition, TimeSpan? step = null) =>
        UntilAsync(condition, () => _time.Advance(step ?? TimeSpan.FromMilliseconds(300)));

    private static async Task UntilAsync(Func<bool> condition, Action step)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        timeout.CancelAfter(Soon);
        while (!condition())
        {
            step();
            await Task.Delay(2, timeout.Token);
        }
    }
}
