using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Notify.Contracts;
using Notify.Engine.Configuration;
using Notify.Engine.Publishing;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Publishing;

/// <summary>One append after the other, without a publisher around them: nothing runs beside the test but what it starts.</summary>
public sealed class AppendLoopTests : IAsyncDisposable
{
    private readonly LimitSettings _limits = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ListLog _log = new();
    private readonly AppendTurn _turn = new();
    private readonly PublishQueue _queue;
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Readings _counted;
    private readonly LogLines _lines = new();
    private int _handOvers;

    public AppendLoopTests()
    {
        _queue = new PublishQueue(_limits, _time);
        _counted = new Readings(_services.GetRequiredService<IMeterFactory>());
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _counted.Dispose();
        _queue.Dispose();
        _turn.Dispose();
        await _services.DisposeAsync();
    }

    [Fact]
    public async Task Delivery_has_the_entries_before_their_publishers_are_answered()
    {
        var publishes = Enumerable.Range(0, 3).Select(_ => Add()).ToArray();
        var answered = new List<bool>();
        var delivery = new HandedOver { Taking = () => answered.AddRange(publishes.Select(publish => publish.Task.IsCompleted)) };
        _queue.Close();
        await Loop(delivery).RunAsync(Cancel);

        Assert.Equal([false, false, false], answered);
        Assert.Equal([1, 2, 3], delivery.Stored.Select(entry => entry.Version));
        Assert.All(publishes, publish => Assert.True(publish.Task.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task Each_publisher_gets_the_places_of_its_own_entries()
    {
        var publishes = new[] { Add(1), Add(3), Add(2) };
        _queue.Close();
        await Loop().RunAsync(Cancel);
        foreach (var publish in publishes) Assert.Equal(EntriesOf(publish).Select(entry => entry.Id), Accepted(publish).Select(place => place.Id));
        Assert.Equal([1, 2, 3, 4, 5, 6], publishes.SelectMany(Accepted).Select(place => place.Version));
        Assert.Equal(6, _counted["notify.published"]);
    }

    [Fact]
    public void A_request_that_is_larger_than_an_append_follows_the_one_before_it()
    {
        var publishes = new[] { Add(1), Add(1001) };
        _queue.Close();
        Assert.True(Loop().RunAsync(Cancel).IsCompletedSuccessfully);
        Assert.Equal([1, 1001], _log.Batches.Select(batch => batch.Entries.Count));
        Assert.Equal(1002, publishes.SelectMany(Accepted).Last().Version);
    }

    [Fact]
    public async Task An_append_waits_for_its_turn_and_gives_it_back_once()
    {
        await _turn.TakeAsync(Cancel);
        var publish = Add();
        _queue.Close();
        var running = Loop().RunAsync(Cancel);
        Assert.Empty(_log.Batches);
        _turn.Give();
        await running;
        Assert.Equal(1, Assert.Single(Accepted(publish)).Version);
        await IsFreeOnceAsync();
    }

    [Fact]
    public async Task While_storage_is_away_others_of_this_node_have_their_turn_and_the_loop_says_that_it_stores_nothing()
    {
        _log.IsAway = true;
        var publish = Add();
        _queue.Close();
        var loop = Loop();
        Assert.False(loop.StoresNothing);
        var running = loop.RunAsync(Cancel);
        Assert.True(loop.StoresNothing);
        await IsFreeOnceAsync();
        Assert.Equal(1, _counted["notify.append.retries"]);

        _log.IsAway = false;
        _time.Advance(TimeSpan.FromSeconds(2));
        await running;
        Assert.False(loop.StoresNothing);
        Assert.Equal(1, Assert.Single(Accepted(publish)).Version);
        await IsFreeOnceAsync();
    }

    [Fact]
    public void After_a_failure_that_stays_the_loop_says_that_it_stores_nothing()
    {
        _log.BeforeAppend = (_, _) => throw new StorageUnavailableException("No right to, as told.") { Kind = StorageFailure.Permanent };
        var publish = Add(2);
        _queue.Close();
        var loop = Loop();
        Assert.True(loop.RunAsync(Cancel).IsCompletedSuccessfully);
        Assert.True(loop.StoresNothing);
        IsRefused(PublishRefusals.Broken, publish);
        Assert.Equal(2, _counted["notify.publish.refused", ErrorCodes.StorageUnavailable]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_is_stopped_between_attempts_says_whether_anything_may_be_stored_and_leaves_the_turn(bool isUnknown)
    {
        Exception failure = isUnknown ? new AppendOutcomeUnknownException("Cut, as told.") : new StorageUnavailableException("Away, as told.");
        _log.BeforeAppend = (_, _) => throw failure;
        var publish = Add();
        using var stop = new CancellationTokenSource();
        var running = Loop().RunAsync(stop.Token);
        var next = _turn.TakeAsync(Cancel);
        Assert.Equal(!isUnknown, next.IsCompletedSuccessfully); // nothing of this node comes between two attempts of an unknown one
        if (!isUnknown) _turn.Give();
        await stop.CancelAsync();
        await running;
        IsRefused(isUnknown ? PublishRefusals.Unknown : PublishRefusals.Stopping, publish);
        if (isUnknown)
        {
            await next;
            _turn.Give();
        }

        await IsFreeOnceAsync();
    }

    [Fact]
    public async Task What_has_been_answered_between_attempts_is_not_tried_again_and_what_began_at_that_time_is_not_answered()
    {
        _log.IsAway = true;
        var (early, late) = (Add(startedAt: 1), Add(startedAt: 2));
        _queue.Close();
        var loop = Loop();
        var running = loop.RunAsync(Cancel);
        loop.RefuseStartedBefore(2);
        IsRefused(PublishRefusals.NotSubmitted, early);
        Assert.False(late.Task.IsCompleted);
        loop.RefuseStartedBefore(3);
        _time.Advance(TimeSpan.FromSeconds(2));
        await running;
        IsRefused(PublishRefusals.NotSubmitted, late);
        Assert.Single(_log.Batches);
    }

    [Fact]
    public void What_was_stored_before_is_not_handed_over_again()
    {
        var key = new IdempotencyKey("p", "k", new byte[] { 1 });
        Add(key: key);
        Add(key: key with { RequestHash = new byte[] { 2 } });
        _queue.Close();
        Assert.True(Loop().RunAsync(Cancel).IsCompletedSuccessfully);
        Assert.Equal((1, 1, 1), (_handOvers, _counted["notify.published"], _counted["notify.publish.refused", ErrorCodes.IdempotencyConflict]));

        using var queue = new PublishQueue(_limits, _time);
        var repeat = Pending(1, 0, key);
        queue.TryAdd(repeat);
        queue.Close();
        Assert.True(Loop(queue: queue).RunAsync(Cancel).IsCompletedSuccessfully);
        Assert.Equal((AcceptedAs.Replayed, 1), (Assert.Single(Accepted(repeat)).As, _handOvers));
    }

    [Fact]
    public void Delivery_that_is_as_late_as_it_may_be_holds_nobody_back()
    {
        Add();
        _queue.Close();
        Assert.True(Loop(new HandedOver { DeliveryLag = _limits.DeliveryLag }).RunAsync(Cancel).IsCompletedSuccessfully);
        Assert.Single(_log.Entries);
    }

    [Fact]
    public void An_append_is_measured_by_its_entries_and_its_time()
    {
        _log.BeforeAppend = (_, _) =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(30));
            return Task.CompletedTask;
        };
        Add(2);
        Add(3);
        _queue.Close();
        Assert.True(Loop().RunAsync(Cancel).IsCompletedSuccessfully);
        Assert.Equal([5d], _counted.Measured("notify.append.size"));
        Assert.Equal([0.03], _counted.Measured("notify.append.duration"));
        Assert.Empty(_lines.All.Items);
    }

    [Fact]
    public async Task What_storage_says_is_logged_once_and_again_when_it_says_something_else()
    {
        string[] said = ["Away, as told.", "Away, as told.", "Full, as told."];
        _log.BeforeAppend = (_, _) => _log.Batches.Count <= said.Length ? throw new StorageUnavailableException(said[_log.Batches.Count - 1])
            : Task.CompletedTask;
        var publish = Add();
        _queue.Close();
        await RunWhileTimePassesAsync();
        Assert.Single(Accepted(publish));
        Assert.Equal([(LogLevel.Warning, 1001), (LogLevel.Warning, 1001)], _lines.All.Items.Select(line => (line.Level, line.Event)));
        Assert.Equal((3, 3), (_counted["notify.append.retries"], _counted["notify.append.retries", "transient"]));
    }

    [Fact]
    public async Task An_append_that_got_no_answer_is_counted_as_unknown_and_logged_each_time()
    {
        _log.BeforeAppend = (_, _) => _log.Batches.Count <= 2 ? throw new AppendOutcomeUnknownException("Cut, as told.") : Task.CompletedTask;
        var publish = Add();
        _queue.Close();
        await RunWhileTimePassesAsync();
        Assert.Single(Accepted(publish));
        Assert.Equal([1003, 1003], _lines.Events);
        Assert.Equal(2, _counted["notify.append.retries", "unknown"]);
    }

    [Fact]
    public void What_an_operator_must_mend_is_logged_as_an_error_with_its_number()
    {
        Exception[] thrown = [new StorageUnavailableException("No right to.") { Kind = StorageFailure.Permanent }, new InvalidOperationException("A bug.")];
        foreach (var (failure, (number, refusal)) in thrown.Zip([(1002, PublishRefusals.Broken), (1004, PublishRefusals.Unknown)]))
        {
            _log.BeforeAppend = (_, _) => throw failure;
            using var queue = new PublishQueue(_limits, _time);
            var publish = Pending(1, 0, null);
            queue.TryAdd(publish);
            queue.Close();
            Assert.True(Loop(queue: queue).RunAsync(Cancel).IsCompletedSuccessfully);
            Assert.Equal((LogLevel.Error, number), (_lines.All.Items[^1].Level, _lines.All.Items[^1].Event));
            IsRefused(refusal, publish);
        }

        Assert.Equal(2, _lines.All.Count);
        Assert.Equal(2, _counted["notify.publish.refused", ErrorCodes.StorageUnavailable]);
        Assert.Equal(0, _counted["notify.append.retries"]);
    }

    [Fact]
    public void Delivery_that_takes_nothing_is_logged_and_the_publisher_has_its_place()
    {
        var publish = Add(2);
        _queue.Close();
        Assert.True(Loop(new HandedOver { Taking = () => throw new InvalidOperationException("A bug.") }).RunAsync(Cancel).IsCompletedSuccessfully);
        Assert.Equal([1L, 2], Accepted(publish).Select(place => place.Version));
        var line = Assert.Single(_lines.All.Items);
        Assert.Equal((LogLevel.Error, 1005), (line.Level, line.Event));
        Assert.Contains("version 1", line.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_that_the_database_rejects_is_its_own_publishers_refusal()
    {
        var publishes = new[] { Add(), Add() };
        _log.Rejected = entry => entry.Id == EntriesOf(publishes[0])[0].Id ? "no such character" : null;
        _queue.Close();
        Assert.True(Loop().RunAsync(Cancel).IsCompletedSuccessfully);
        IsRefused(PublishRefusals.Row, publishes[0]);
        Assert.Equal(1, Assert.Single(Accepted(publishes[1])).Version);
        var line = Assert.Single(_lines.All.Items);
        Assert.Equal((LogLevel.Warning, 1006), (line.Level, line.Event));
        Assert.Contains("no such character", line.Text, StringComparison.Ordinal);
        Assert.Equal(1, _counted["notify.publish.refused", PublishRefusals.Row.Refusal.Code]);
    }

    [Fact]
    public async Task The_time_in_which_delivery_held_publishers_back_is_counted()
    {
        var delivery = new HandedOver { DeliveryLag = _limits.DeliveryLag + TimeSpan.FromTicks(1) };
        Add();
        _queue.Close();
        var running = Loop(delivery).RunAsync(Cancel);
        Assert.Empty(_log.Batches);
        _time.Advance(TimeSpan.FromMilliseconds(300));
        delivery.DeliveryLag = TimeSpan.Zero;
        await running;
        Assert.Equal([0.3], _counted.Measured("notify.publish.held"));
    }

    private async Task RunWhileTimePassesAsync()
    {
        var running = Loop().RunAsync(Cancel);
        await Eventually.TrueAsync(
            () =>
            {
                if (running.IsCompleted) return true;
                _time.Advance(TimeSpan.FromSeconds(2));
                return false;
            },
            "the loop has ended");
        await running;
    }

    private AppendLoop Loop(HandedOver? delivery = null, PublishQueue? queue = null) => new(
        queue ?? _queue, _log, delivery ?? new HandedOver { Taking = () => _handOvers++ }, _turn, _limits,
        new PublishingMetrics(_services.GetRequiredService<IMeterFactory>()), _time, _lines);

    private PendingBatch Add(int entries = 1, long startedAt = 0, IdempotencyKey? key = null)
    {
        var publish = Pending(entries, startedAt, key);
        Assert.Null(_queue.TryAdd(publish));
        return publish;
    }

    private static PendingBatch Pending(int entries, long startedAt, IdempotencyKey? key) => new(
        [.. Enumerable.Range(0, entries).Select(_ => new NewEntry { Id = Guid.CreateVersion7(), Topic = "t", Content = "{}"u8.ToArray(), Key = key })],
        startedAt);

    private async Task IsFreeOnceAsync()
    {
        Assert.True(_turn.TakeAsync(Cancel).IsCompletedSuccessfully);
        using var second = new CancellationTokenSource();
        var other = _turn.TakeAsync(second.Token);
        Assert.False(other.IsCompleted);
        await second.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other);
        _turn.Give();
    }

    private static NewEntry[] EntriesOf(PendingBatch publish)
    {
        var entries = new NewEntry[publish.Entries];
        publish.CopyTo(entries);
        return entries;
    }

    private static IEnumerable<PublishOutcome.Accepted> Accepted(PendingBatch publish)
    {
        Assert.True(publish.Task.IsCompletedSuccessfully);
        return publish.Task.Result.Select(Assert.IsType<PublishOutcome.Accepted>);
    }

    private static void IsRefused(PublishOutcome.Refused refusal, PendingBatch publish)
    {
        Assert.True(publish.Task.IsCompletedSuccessfully);
        Assert.All(publish.Task.Result, outcome => Assert.Same(refusal, outcome));
    }
}
