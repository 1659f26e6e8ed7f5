using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Tail;

/// <summary>What one look compares, to the version, and when there is a look.</summary>
public sealed class ReconcilerLookTests : ScriptedTail
{
    private const int Compared = 1_000;
    private const string Metric = "notify.reconciled";

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(45);

    private readonly LogLines _lines = new();
    private readonly Reconciler _reconciler;

    public ReconcilerLookTests() : base(new NoDelivery()) =>
        _reconciler = new Reconciler(Position, Tail, Log, Metrics, Time, _lines.For<Reconciler>());

    private protected override async Task StopAsync(CancellationToken patience)
    {
        await _reconciler.StopAsync(patience);
        await base.StopAsync(patience);
        _reconciler.Dispose();
    }

    [Theory]
    [InlineData(0, 6, 1, 0)]
    [InlineData(3, 6, 1, 3)] // the ring has no more
    [InlineData(0, 6, 5, 4)] // the log has no more
    [InlineData(0, Compared + 500, 1, 500)] // nor are more compared
    public async Task A_look_begins_where_ring_and_log_both_are(int ringFrom, int end, long oldest, long expected)
    {
        Delivered(Log.Store(end), ringFrom, oldest);
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal([expected], Log.Reads.Items);
        Assert.Equal(0, Counted[Metric]);
        await _reconciler.ReconcileAsync(Cancel); // nothing has happened since
        Assert.Single(Log.Reads.Items);
        Assert.Empty(_lines.All.Items);
    }

    public static TheoryData<string> Fields => ["id", "kind", "topic", "sequence", "content"];

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task An_entry_differs_in_whatever_of_it_differs(string field)
    {
        var stored = Log.Store(3);
        Delivered([.. stored.Select(entry => entry.Version != 2 ? entry : field switch
        {
            "id" => entry with { Id = Guid.NewGuid() },
            "kind" => entry with { Kind = EntryKind.InboxMarked },
            "topic" => entry with { Topic = "u" },
            "sequence" => entry with { TopicSeq = 7 },
            _ => entry with { Content = "[]"u8.ToArray() },
        })]);
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal((1, 1), (Counted[Metric], Counted[Metric, "different"]));
        Assert.Equal([2020], _lines.Events);
        Assert.Contains("Version 2 ", _lines.All.Items[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_of_several_is_named_and_read_anew_from()
    {
        await Tail.StartAsync(Cancel);
        await Eventually.TrueAsync(() => Position.View is not null, "the tail has begun");
        Delivered(Forged(Log.Store(5), 2, 4));
        await _reconciler.ReconcileAsync(Cancel);
        await Eventually.TrueAsync(() => Position.View!.DiffersFrom == 2, "read anew");
        Assert.Equal(2, Counted[Metric, "different"]);
        Assert.Contains("Version 2 ", Assert.Single(_lines.All.Items).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_with_a_hole_is_named_and_not_read_anew()
    {
        await Tail.StartAsync(Cancel);
        await Eventually.TrueAsync(() => Position.View is not null, "the tail has begun");
        Delivered(Forged(Log.Store(5), 2));
        var view = Position.View;
        Log.Without = [3, 4];
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal((2, 1), (Counted[Metric, "absent"], Counted[Metric, "different"]));
        Assert.Equal([2020, 2021], _lines.Events);
        Assert.Contains("version 3 ", _lines.All.Items[1].Text, StringComparison.Ordinal);
        Assert.Same(view, Position.View);
    }

    [Theory]
    [InlineData(2, 0)] // gone by now: nothing to compare with
    [InlineData(3, 1)]
    public async Task What_retention_took_during_the_look_is_not_compared(int forged, int expected)
    {
        Delivered(Forged(Log.Store(5), forged));
        Log.Oldest = 3;
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal(expected, Counted[Metric]);
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 0)] // the next look's
    public async Task What_one_read_did_not_bring_is_not_absent(int forged, int expected)
    {
        Delivered(Forged(Log.Store(5), forged));
        Log.PageEntries = 2;
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal((expected, expected), (Counted[Metric], Counted[Metric, "different"]));
    }

    [Fact]
    public async Task Another_log_or_one_that_went_back_is_for_the_tail_to_see()
    {
        Delivered(Forged(Log.Store(5), 2));
        Log.Lose(above: 4);
        await _reconciler.ReconcileAsync(Cancel);
        Log.Store(1);
        Log.Epoch = Guid.NewGuid();
        await _reconciler.ReconcileAsync(Cancel);
        Assert.Equal(0, Counted[Metric]);
        Assert.Equal(2, Log.Reads.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_tail_that_was_behind_twice_is_given_a_moment_before_it_is_said_to_stand_still(bool moves)
    {
        Delivered(Log.Store(1));
        var view = Position.View!;
        await _reconciler.ReconcileAsync(Cancel);
        var later = Log.Store(2);
        view.ObserveHead(3);
        await _reconciler.ReconcileAsync(Cancel); // behind for the first time
        var look = _reconciler.ReconcileAsync(Cancel);
        Time.Advance(Grace - TimeSpan.FromTicks(1));
        Assert.False(look.IsCompleted);
        if (moves) view.Ring.Append([new DeliveryEntry(later[0])]);
        Time.Advance(TimeSpan.FromTicks(1));
        await look;
        Assert.Equal(moves ? 0 : 2, Counted[Metric, "behind"]);
        Assert.Equal(moves ? [] : [2022], _lines.Events);
    }

    [Fact]
    public async Task There_is_a_look_every_half_minute_or_so_whatever_became_of_the_one_before()
    {
        Delivered(Log.Store(1));
        Position.View!.ObserveHead(2); // there is something to look at each time
        await _reconciler.StartAsync(Cancel);
        foreach (var failure in (Exception?[])[null, new StorageUnavailableException("Away, as told."), new InvalidOperationException("A bug."), null])
        {
            var before = Log.Reads.Count;
            Log.AfterRead = () => failure is null ? Task.CompletedTask : throw failure;
            Time.Advance(Shortest - TimeSpan.FromTicks(1));
            Assert.Equal(before, Log.Reads.Count);
            await Eventually.TrueAsync(
                () =>
                {
                    if (Log.Reads.Count > before) return true;
                    Time.Advance((Longest - Shortest) / 10);
                    return false;
                },
                "a look");
        }

        Assert.Equal([2023], _lines.Events);
    }

    private static LogEntry[] Forged(LogEntry[] stored, params int[] versions) =>
        [.. stored.Select(entry => versions.Contains((int)entry.Version) ? entry with { Content = "forged"u8.ToArray() } : entry)];

    /// <summary>This is what the node has delivered, after <paramref name="ringFrom"/>.</summary>
    private void Delivered(LogEntry[] entries, int ringFrom = 0, long oldest = 1)
    {
        Log.Oldest = oldest;
        var ring = new Ring(ringFrom, 100_000, long.MaxValue);
        ring.Append([.. entries[ringFrom..].Select(entry => new DeliveryEntry(entry))]);
        Position.View = new LogView(new LogHead(Log.Epoch, entries.Length, oldest), ring);
        Log.ForgetReads();
    }

    private sealed class NoDelivery : IDelivery
    {
        public ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken) =>
            ValueTask.FromResult(new LogHead(view.EpochId, view.Ring.End, 1));

        public ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public void DeliverEphemeral(DeliveryEntry entry) => throw new NotSupportedException();
    }
}
