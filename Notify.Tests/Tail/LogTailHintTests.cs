using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Tail;

/// <summary>What each hint does by itself: the head is held, so that no poll makes up for what a hint should have done.</summary>
public sealed class LogTailHintTests : IAsyncDisposable
{
    private const int Mebibyte = 1024 * 1024;

    private static readonly TimeSpan ParkFor = TimeSpan.FromMilliseconds(10);

    private readonly ScriptedLog _log = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Readings _counted;
    private readonly TailPosition _position;
    private readonly Delivery _delivery = new();
    private readonly LogTail _tail;

    public LogTailHintTests()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _counted = new Readings(meters);
        _position = new TailPosition(_log, new LogClock(_time), _time);
        _tail = new LogTail(_position, _log, new LogAppliers([], _delivery), new TailMetrics(meters, _position), new SharedMemory(512L * Mebibyte), _time,
            NullLogger<LogTail>.Instance);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _log.LetHeadGo();
        _delivery.Open();
        using var patience = new CancellationTokenSource(Eventually.Patience);
        await _tail.StopAsync(patience.Token);
        _tail.Dispose();
        _counted.Dispose();
        await _services.DisposeAsync();
    }

    [Fact]
    public async Task What_is_early_is_parked_and_comes_after_what_it_waited_for_without_a_read()
    {
        await BeginAsync();
        var stored = _log.Store(6);
        foreach (var (from, to) in new[] { (4, 5), (2, 4), (0, 1), (1, 2), (5, 6) }) _tail.Committed(_log.Epoch, stored[from..to]);
        await SettleAsync();
        _time.Advance(ParkFor);
        await SettleAsync();
        Assert.Equal([1, 2, 3, 4, 5, 6], _delivery.Versions);
        Assert.Empty(_log.Reads.Items);
    }

    [Fact]
    public async Task What_was_parked_for_long_enough_makes_the_tail_read_the_hole_once()
    {
        await BeginAsync();
        var stored = _log.Store(4);
        _tail.Committed(_log.Epoch, stored[2..3]);
        _tail.Committed(_log.Epoch, stored[3..4]);
        await SettleAsync();
        _time.Advance(ParkFor - TimeSpan.FromTicks(1));
        await SettleAsync();
        Assert.Empty(_log.Reads.Items);

        _time.Advance(TimeSpan.FromTicks(1));
        await _delivery.Applied.CountAsync(4);
        await SettleAsync();
        Assert.Equal([1, 2, 3, 4], _delivery.Versions);
        Assert.Equal([0], _log.Reads.Items);
        Assert.Equal((1, 1), (_counted["notify.tail.reads"], _counted["notify.tail.reads", "hole"]));
    }

    [Fact]
    public async Task A_read_goes_on_page_by_page_and_only_as_far_as_the_log()
    {
        _log.PageEntries = 2;
        await BeginAsync();
        _log.Store(5);
        _tail.Ahead(_log.Epoch, 5);
        await SettleAsync();
        Assert.Equal([1, 2, 3, 4, 5], _delivery.Versions);
        Assert.Equal([0, 2, 4], _log.Reads.Items);
        Assert.Equal((1, 2), (_counted["notify.tail.reads", "position"], _counted["notify.tail.reads", "hole"]));
    }

    [Fact]
    public async Task A_position_is_read_when_it_is_ahead_and_not_when_it_is_known()
    {
        _log.Store(2);
        await BeginAsync();
        _tail.Ahead(_log.Epoch, 1);
        _tail.Ahead(_log.Epoch, 2);
        await SettleAsync();
        Assert.Empty(_log.Reads.Items);

        _log.Store(1);
        _tail.Ahead(_log.Epoch, 3);
        await SettleAsync();
        Assert.Equal([2], _log.Reads.Items);
        Assert.Equal([3], _delivery.Versions);
        Assert.Equal(1, _counted["notify.tail.reads", "position"]);
    }

    [Fact]
    public async Task A_position_that_came_while_the_log_was_read_is_read_after_it()
    {
        await BeginAsync();
        _log.Store(1);
        var read = HoldReads();
        _tail.Ahead(_log.Epoch, 1);
        await _log.Reads.CountAsync(1);
        _log.Store(2);
        _tail.Ahead(_log.Epoch, 3);
        _tail.Ahead(_log.Epoch, 2);
        await SettleAsync();
        Assert.Equal([0], _log.Reads.Items);

        read.SetResult();
        await _delivery.Applied.CountAsync(3);
        await SettleAsync();
        Assert.Equal([1, 2, 3], _delivery.Versions);
        Assert.Equal([0, 1], _log.Reads.Items);
    }

    [Fact]
    public async Task A_position_that_a_read_has_passed_is_not_read_again()
    {
        await BeginAsync();
        _log.Store(3);
        var read = HoldReads();
        _tail.Ahead(_log.Epoch, 1);
        await _log.Reads.CountAsync(1);
        _tail.Ahead(_log.Epoch, 3);
        await SettleAsync();
        read.SetResult();
        await _delivery.Applied.CountAsync(3);
        await SettleAsync();
        Assert.Equal([0], _log.Reads.Items);
    }

    [Fact]
    public async Task A_position_that_the_log_does_not_have_is_read_once()
    {
        await BeginAsync();
        _log.Store(1);
        _tail.Ahead(_log.Epoch, 5);
        await SettleAsync();
        Assert.Equal([1], _delivery.Versions);
        Assert.Equal([0], _log.Reads.Items);
    }

    [Fact]
    public async Task A_read_that_failed_is_made_again_by_the_next_hint_that_needs_one()
    {
        await BeginAsync();
        _log.Store(1);
        _log.AfterRead = () => throw new StorageUnavailableException("Away, as told.");
        _tail.Ahead(_log.Epoch, 1);
        await SettleAsync();
        Assert.Empty(_delivery.Versions);

        _log.AfterRead = () => Task.CompletedTask;
        _tail.Ahead(_log.Epoch, 1);
        await SettleAsync();
        Assert.Equal([1], _delivery.Versions);
        Assert.Equal([0, 0], _log.Reads.Items);
    }

    [Fact]
    public async Task What_was_read_of_a_log_that_is_another_one_by_then_is_not_taken()
    {
        await BeginAsync();
        _log.Store(1);
        var read = HoldReads();
        _tail.Ahead(_log.Epoch, 1);
        await _log.Reads.CountAsync(1);
        var view = _position.View;
        _position.View = await LogView.ReadAsync(new ScriptedLog(), Guid.Empty, null, Cancel);
        read.SetResult();
        await SettleAsync();
        Assert.Empty(_delivery.Versions);

        _position.View = view; // and the next read is not held up by it
        await UntilAsync(() => _tail.Ahead(_log.Epoch, 1), () => _delivery.Versions.Length == 1);
    }

    [Fact]
    public async Task A_change_is_taken_from_another_node_as_a_position_and_read_from_the_log()
    {
        _log.Store(1);
        await BeginAsync();
        _log.Store(EntryKind.Notification, EntryKind.InboxMarked);
        LogEntry[] forged = [ScriptedLog.Entry(2, content: "forged"), ScriptedLog.Entry(3, EntryKind.KeysChanged, "forged")];
        _tail.CommittedElsewhere(_log.Epoch, forged, default);
        await SettleAsync();
        Assert.Equal([1], _log.Reads.Items);
        Assert.Equal([EntryKind.Notification, EntryKind.InboxMarked], _delivery.Applied.Items.Select(entry => entry.Kind));
        Assert.All(_delivery.Applied.Items, entry => Assert.Equal(2, entry.Content.Length));
    }

    [Fact]
    public async Task This_nodes_own_changes_are_applied_as_they_are()
    {
        await BeginAsync();
        _tail.Committed(_log.Epoch, _log.Store(EntryKind.InboxMarked, EntryKind.Notification));
        await SettleAsync();
        Assert.Equal([1, 2], _delivery.Versions);
        Assert.Empty(_log.Reads.Items);
    }

    [Fact]
    public async Task A_poll_gives_the_hint_time_and_then_reads()
    {
        await BeginAsync();
        _log.Store(2);
        await PolledAsync();
        _log.HoldHead();
        Assert.Empty(_log.Reads.Items);
        await UntilAsync(() => _time.Advance(ParkFor), () => _log.Reads.Count > 0);
        await SettleAsync();
        Assert.Equal([1, 2], _delivery.Versions);
        Assert.Equal([0], _log.Reads.Items);
        Assert.Equal(1, _counted["notify.tail.reads", "poll"]);
    }

    [Fact]
    public async Task What_a_poll_saw_and_a_hint_then_brought_is_not_read()
    {
        await BeginAsync();
        var stored = _log.Store(2);
        await PolledAsync();
        _log.HoldHead();
        _tail.Committed(_log.Epoch, stored);
        await SettleAsync();
        _time.Advance(ParkFor);
        await SettleAsync();
        Assert.Equal([1, 2], _delivery.Versions);
        Assert.Empty(_log.Reads.Items);
    }

    [Fact]
    public async Task Hints_of_more_bytes_than_may_wait_are_let_go_and_read_from_the_log()
    {
        const int Waiting = 64;
        await BeginAsync();
        var content = new byte[Mebibyte - LogLimits.EntryOverheadBytes];
        var stored = _log.Store(2 * Waiting + 4).Select(entry => entry with { Content = content }).ToArray();

        _delivery.Hold();
        foreach (var entry in stored[..1]) _tail.Committed(_log.Epoch, [entry]);
        await _delivery.Applied.CountAsync(1); // it waits no longer, and the others do
        foreach (var entry in stored[1..(Waiting + 3)]) _tail.Committed(_log.Epoch, [entry]);
        _delivery.Open();
        await _delivery.Applied.CountAsync(1 + Waiting);
        await SettleAsync();
        Assert.Equal(1 + Waiting, _delivery.Versions[^1]); // to the byte
        Assert.Empty(_log.Reads.Items);

        _delivery.Hold();
        _tail.Ahead(_log.Epoch, Waiting + 3);
        await _delivery.Applied.CountAsync(Waiting + 2);
        foreach (var entry in stored[(Waiting + 3)..(2 * Waiting + 3)]) _tail.Committed(_log.Epoch, [entry]); // what was let go waits no more
        _delivery.Open();
        await _delivery.Applied.CountAsync(2 * Waiting + 3);
        await SettleAsync();
        Assert.Equal(1, _counted["notify.tail.reads"]);
    }

    [Fact]
    public async Task What_this_node_has_been_told_of_is_its_head()
    {
        await BeginAsync();
        _delivery.Hold();
        var stored = _log.Store(3);
        _tail.Committed(Guid.NewGuid(), stored);
        Assert.Equal(0, _position.View!.Head);
        _tail.Committed(_log.Epoch, stored);
        Assert.Equal(3, _position.View.Head);
    }

    [Fact]
    public async Task A_hidden_change_has_the_log_read_anew_from_the_first_version_that_was_not_proven()
    {
        await BeginAsync();
        _log.Store(EntryKind.Notification, EntryKind.Notification, EntryKind.InboxMarked);
        for (var version = 1; version <= 3; version++) _tail.CommittedElsewhere(_log.Epoch, [ScriptedLog.Entry(version)], default);
        await SettleAsync();
        await ReadAnewAsync();
        Assert.Equal((1L, 3L), (_position.View!.DiffersFrom, _position.View.Start));
    }

    [Fact]
    public async Task What_the_head_has_proven_is_not_sent_again_for_a_hidden_change_after_it()
    {
        await BeginAsync();
        _tail.CommittedElsewhere(_log.Epoch, _log.Store(1), default);
        await SettleAsync();
        await PolledAsync();
        _log.HoldHead();
        _log.Store(EntryKind.Notification, EntryKind.InboxMarked, EntryKind.Notification);
        _tail.CommittedElsewhere(_log.Epoch, [.. Enumerable.Range(2, 3).Select(version => ScriptedLog.Entry(version))], default);
        await SettleAsync();
        await ReadAnewAsync();
        Assert.Equal((2L, 4L), (_position.View!.DiffersFrom, _position.View.Start));
    }

    [Fact]
    public async Task A_hidden_change_does_not_make_what_differed_before_it_right()
    {
        _log.Store(3);
        await BeginAsync();
        _log.LetHeadGo();
        _tail.Distrust(_position.View!, 2);
        await Eventually.TrueAsync(() => _position.View!.DiffersFrom == 2, "read anew");
        _log.HoldHead();
        _log.Store(EntryKind.InboxMarked);
        _tail.CommittedElsewhere(_log.Epoch, [ScriptedLog.Entry(4)], default);
        await SettleAsync();
        await ReadAnewAsync();
        Assert.Equal((2L, 4L), (_position.View!.DiffersFrom, _position.View.Start));
    }

    [Fact]
    public async Task What_waits_behind_a_failed_change_is_not_proven_by_a_head_before_it()
    {
        await BeginAsync();
        _log.Store(1);
        _delivery.IsAway = true;
        _tail.CommittedElsewhere(_log.Epoch, [.. Enumerable.Range(1, 3).Select(version => ScriptedLog.Entry(version))], default);
        await SettleAsync();
        await PolledAsync(); // 1 is proven, 2 and 3 are not: they are not in the log yet
        _log.HoldHead();
        _delivery.IsAway = false;
        _log.Store(EntryKind.InboxMarked, EntryKind.InboxMarked);
        _tail.Ahead(_log.Epoch, 3);
        await SettleAsync();
        Assert.Equal([1, 2, 3], _delivery.Versions);
        await ReadAnewAsync();
        Assert.Equal(2, _position.View!.DiffersFrom);
    }

    [Fact]
    public async Task Retention_that_has_passed_the_tail_has_it_begin_again_and_nothing_was_wrong()
    {
        await BeginAsync();
        _log.Store(5);
        _log.Oldest = 4;
        _log.LetHeadGo();
        _tail.Ahead(_log.Epoch, 5);
        await Eventually.TrueAsync(() => _position.View!.Start == 5, "read anew");
        Assert.Equal(6, _position.View!.DiffersFrom);
        Assert.Empty(_delivery.Versions);
    }

    [Fact]
    public async Task Retention_that_has_come_up_to_the_tail_takes_nothing_from_it()
    {
        await BeginAsync();
        _log.Store(2);
        _tail.Ahead(_log.Epoch, 2);
        await SettleAsync();
        _log.Store(1);
        _log.Oldest = 3;
        _tail.Ahead(_log.Epoch, 3);
        await SettleAsync();
        Assert.Equal([1, 2, 3], _delivery.Versions);
        Assert.Null(_position.View!.DiffersFrom);
    }

    [Fact]
    public async Task What_was_once_distrusted_stays_so_for_those_that_have_not_seen_it_yet()
    {
        _log.Store(9);
        await BeginAsync();
        _log.LetHeadGo();
        foreach (var (from, expected) in new[] { (5, 5), (8, 5), (3, 3) })
        {
            var view = _position.View!;
            _tail.Distrust(view, from);
            await Eventually.TrueAsync(() => !ReferenceEquals(view, _position.View), "read anew");
            Assert.Equal(expected, _position.View!.DiffersFrom);
            _tail.Distrust(view, 1); // of the view before
        }

        var last = _position.View;
        await SettleAsync();
        Assert.Same(last, _position.View);
    }

    [Fact]
    public async Task A_head_that_was_read_before_the_last_hint_is_read_again_and_proves_nothing()
    {
        await BeginAsync();
        var view = _position.View;
        _tail.Committed(_log.Epoch, _log.Store(1));
        await SettleAsync();
        _log.SayOnce(new LogHead(_log.Epoch, 0, 1));
        await PolledAsync();
        Assert.Equal(0, _log.EpochsBegun);
        Assert.Same(view, _position.View);
    }

    [Fact]
    public async Task A_head_that_stays_below_the_tail_begins_an_epoch_and_what_waited_in_the_one_before_is_forgotten()
    {
        var stored = _log.Store(3);
        await BeginAsync();
        _tail.Committed(_log.Epoch, [ScriptedLog.Entry(5)]); // early in this epoch
        await SettleAsync();
        _log.Lose(above: 1);
        var (view, before) = (_position.View, _log.Epoch);
        _log.LetHeadGo();
        await UntilAsync(_position.Suspect, () => !ReferenceEquals(view, _position.View));
        Assert.Equal(1, _log.EpochsBegun);
        Assert.NotEqual(before, _log.Epoch);
        Assert.Equal((_log.Epoch, 1L, null), (_position.View!.EpochId, _position.View.Start, _position.View.DiffersFrom));

        _tail.Committed(before, stored[1..]);
        _tail.Committed(_log.Epoch, _log.Store(3));
        await SettleAsync();
        Assert.Equal([2, 3, 4], _delivery.Versions);
    }

    [Fact]
    public async Task A_log_that_became_another_one_meanwhile_is_followed_and_not_given_an_epoch_by_this_node()
    {
        _log.Store(3);
        await BeginAsync();
        var view = _position.View!;
        _log.Lose(above: 1);
        _log.Epoch = Guid.NewGuid();
        _log.SayOnce(new LogHead(view.EpochId, 1, 1));
        await ReadAnewAsync();
        Assert.Equal((_log.Epoch, 0), (_position.View!.EpochId, _log.EpochsBegun));
    }

    private async Task BeginAsync()
    {
        await _tail.StartAsync(Cancel);
        await Eventually.TrueAsync(() => _position.View is not null, "the tail has begun");
        _log.HoldHead();
        await SettleAsync();
        _log.ForgetReads();
    }

    /// <summary>Everything that the tail was told has been dealt with, and what followed from it.</summary>
    private async Task SettleAsync()
    {
        var waited = Stopwatch.StartNew();
        for (var (quiet, before) = (0, -1L); quiet < 2;)
        {
            Assert.True(waited.Elapsed < Eventually.Patience, "The tail reads on and on.");
            var markers = _delivery.Markers.Count;
            _tail.Ephemeral(ScriptedLog.Entry(0));
            await _delivery.Markers.CountAsync(markers + 1);
            var now = _log.Reads.Count + _delivery.Applied.Count;
            (quiet, before) = (now == before ? quiet + 1 : 0, now);
        }
    }

    /// <summary>One poll has begun and ended after this call, and the tail has seen what it found.</summary>
    private async Task PolledAsync()
    {
        var before = _log.HeadReads.Count;
        _log.LetHeadGo();
        await UntilAsync(_position.Suspect, () => _log.HeadReads.Count >= before + 2);
        await SettleAsync();
    }

    private async Task ReadAnewAsync()
    {
        var view = _position.View;
        _log.LetHeadGo();
        await UntilAsync(_position.Suspect, () => !ReferenceEquals(view, _position.View));
        await SettleAsync();
    }

    private TaskCompletionSource HoldReads()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _log.AfterRead = () => held.Task;
        return held;
    }

    private static Task UntilAsync(Action again, Func<bool> condition) => Eventually.TrueAsync(
        () =>
        {
            if (condition()) return true;
            again();
            return false;
        },
        "what is waited for");

    /// <summary>Puts units into the ring, as delivery does, and stands still when told to.</summary>
    private sealed class Delivery : IDelivery
    {
        private TaskCompletionSource? _held;

        public Observed<LogEntry> Applied { get; } = new();
        public Observed<LogEntry> Markers { get; } = new();
        public bool IsAway { get; set; }

        public long[] Versions => [.. Applied.Items.Select(entry => entry.Version)];

        public void Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Open() => _held?.TrySetResult();

        public ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken) =>
            ValueTask.FromResult(new LogHead(view.EpochId, view.Ring.End, 1));

        public async ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken)
        {
            if (IsAway) throw new StorageUnavailableException("Away, as told.");
            foreach (var entry in unit.Entries) Applied.Add(entry.Entry);
            if (_held is { } held) await held.Task.WaitAsync(cancellationToken);
            unit.View.Ring.Append(unit.Entries);
        }

        public void DeliverEphemeral(DeliveryEntry entry) => Markers.Add(entry.Entry);
    }
}
