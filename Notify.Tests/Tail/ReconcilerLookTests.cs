using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Tail;

/// <summary>What one look compares, to the version, and when there is a look.</summary>
public sealed class ReconcilerLookTests : IAsyncDisposable
{
    private const int Compared = 1_000;
    private const string Metric = "notify.reconciled";

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(45);

    private readonly ScriptedLog _log = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Readings _counted;
    private readonly LogLines _lines = new();
    private readonly TailPosition _position;
    private readonly LogTail _tail;
    private readonly Reconciler _reconciler;

    public ReconcilerLookTests()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _counted = new Readings(meters);
        _position = new TailPosition(_log, new LogClock(_time), _time);
        var metrics = new TailMetrics(meters, _position);
        _tail = new LogTail(_position, _log, new LogAppliers([], new NoDelivery()), metrics, new SharedMemory(1 << 28), _time, NullLogger<LogTail>.Instance);
        _reconciler = new Reconciler(_position, _tail, _log, metrics, _time, _lines.For<Reconciler>());
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        await _reconciler.StopAsync(patience.Token);
        await _tail.StopAsync(patience.Token);
        _reconciler.Dispose();
        _tail.Dispose();
        _counted.Dispose();
        await _services.DisposeAsync();
    }

    [Theory]
    [InlineData(0, 6, 1, 0)]
    [InlineData(3, 6, 1, 3)] // the ring has no more
    [InlineData(0, 6, 5, 4)] // the log has no more
    [InlineData(0, Compared + 500, 1, 500)] // nor are more compared
    public async Task A_look_begins_where_ring_and_log_both_are(int ringFrom, int end, long oldest, long expected)
    {
        HandedOn(_log.Store(end), ringFrom, oldest);
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal([expected], _log.Reads.Items);
        Assert.Equal(0, _counted[Metric]);
        await _reconciler.ReconcileAsync(Cancel); // nothing has happened since
        Assert.Single(_log.Reads.Items);
        Assert.Empty(_lines.All.Items);
    }

    public static TheoryData<string> Fields => ["id", "kind", "topic", "sequence", "content"];

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task An_entry_differs_in_whatever_of_it_differs(string field)
    {
        var stored = _log.Store(3);
        HandedOn([.. stored.Select(entry => entry.Version != 2 ? entry : field switch
        {
            "id" => entry with { Id = Guid.NewGuid() },
            "kind" => entry with { Kind = EntryKind.InboxMarked },
            "topic" => entry with { Topic = "u" },
            "sequence" => entry with { TopicSeq = 7 },
            _ => entry with { Content = "[]"u8.ToArray() },
        })]);
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal((1, 1), (_counted[Metric], _counted[Metric, "different"]));
        Assert.Equal([2020], _lines.Events);
        Assert.Contains("Version 2 ", _lines.All.Items[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_of_several_is_named_and_read_anew_from()
    {
        await _tail.StartAsync(Cancel);
        await Eventually.TrueAsync(() => _position.View is not null, "the tail has begun");
        HandedOn(Forged(_log.Store(5), 2, 4));
        await _reconciler.ReconcileAsync(Cancel);
        await Eventually.TrueAsync(() => _position.View!.DiffersFrom == 2, "read anew");
        Assert.Equal(2, _counted[Metric, "different"]);
        Assert.Contains("Version 2 ", Assert.Single(_lines.All.Items).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_with_a_hole_is_named_and_not_read_anew()
    {
        await _tail.StartAsync(Cancel);
        await Eventually.TrueAsync(() => _position.View is not null, "the tail has begun");
        HandedOn(Forged(_log.Store(5), 2));
        var view = _position.View;
        _log.Without = [3, 4];
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal((2, 1), (_counted[Metric, "absent"], _counted[Metric, "different"]));
        Assert.Equal([2020, 2021], _lines.Events);
        Assert.Contains("version 3 ", _lines.All.Items[1].Text, StringComparison.Ordinal);
        Assert.Same(view, _position.View);
    }

    [Theory]
    [InlineData(2, 0)] // gone by now: nothing to compare with
    [InlineData(3, 1)]
    public async Task What_retention_took_during_the_look_is_not_compared(int forged, int expected)
    {
        HandedOn(Forged(_log.Store(5), forged));
        _log.Oldest = 3;
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal(expected, _counted[Metric]);
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 0)] // the next look's
    public async Task What_one_read_did_not_bring_is_not_absent(int forged, int expected)
    {
        HandedOn(Forged(_log.Store(5), forged));
        _log.PageEntries = 2;
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal((expected, expected), (_counted[Metric], _counted[Metric, "different"]));
    }

    [Fact]
    public async Task Another_log_or_one_that_went_back_is_for_the_tail_to_see()
    {
        HandedOn(Forged(_log.Store(5), 2));
        _log.Lose(above: 4);
        await _reconciler.ReconcileAsync(Cancel);
        _log.Store(1);
        _log.Epoch = Guid.NewGuid();
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal(0, _counted[Metric]);
        Assert.Equal(2, _log.Reads.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_tail_that_was_behind_twice_is_given_a_moment_before_it_is_said_to_stand_still(bool moves)
    {
        HandedOn(_log.Store(1));
        var view = _position.View!;
        await _reconciler.ReconcileAsync(Cancel);
        var later = _log.Store(2);
        view.ObserveHead(3);
        await _reconciler.ReconcileAsync(Cancel); // behind for the first time
        var look = _reconciler.ReconcileAsync(Cancel);
        _time.Advance(Grace - TimeSpan.FromTicks(1));
        Assert.False(look.IsCompleted);
        if (moves) view.Ring.Append([new DeliveryEntry(later[0])]);
        _time.Advance(TimeSpan.FromTicks(1));
        await look;
        Assert.Equal(moves ? 0 : 2, _counted[Metric, "behind"]);
        Assert.Equal(moves ? [] : [2022], _lines.Events);
    }

    [Fact]
    public async Task There_is_a_look_every_half_minute_or_so_whatever_became_of_the_one_before()
    {
        HandedOn(_log.Store(1));
        _position.View!.ObserveHead(2); // there is something to look at each time
        await _reconciler.StartAsync(Cancel);
        foreach (var failure in (Exception?[])[null, new StorageUnavailableException("Away, as told."), new InvalidOperationException("A bug."), null])
        {
            var before = _log.Reads.Count;
            _log.AfterRead = () => failure is null ? Task.CompletedTask : throw failure;
            _time.Advance(Shortest - TimeSpan.FromTicks(1));
            Assert.Equal(before, _log.Reads.Count);
            await Eventually.TrueAsync(
                () =>
                {
                    if (_log.Reads.Count > before) return true;
                    _time.Advance((Longest - Shortest) / 10);
                    return false;
                },
                "a look");
        }

        Assert.Equal([2023], _lines.Events);
    }

    private static LogEntry[] Forged(LogEntry[] stored, params int[] versions) =>
        [.. stored.Select(entry => versions.Contains((int)entry.Version) ? entry with { Content = "forged"u8.ToArray() } : entry)];

    /// <summary>This is what the node has handed on, after <paramref name="ringFrom"/>.</summary>
    private void HandedOn(LogEntry[] entries, int ringFrom = 0, long oldest = 1)
    {
        _log.Oldest = oldest;
        var ring = new Ring(ringFrom, 100_000, long.MaxValue);
        ring.Append([.. entries[ringFrom..].Select(entry => new DeliveryEntry(entry))]);
        _position.View = new LogView(new LogHead(_log.Epoch, entries.Length, oldest), ring);
        _log.ForgetReads();
    }

    private sealed class NoDelivery : IDelivery
    {
        public ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken) =>
            ValueTask.FromResult(new LogHead(view.EpochId, view.Ring.End, 1));

        public ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public void DeliverEphemeral(DeliveryEntry entry) => throw new NotSupportedException();
    }
}
