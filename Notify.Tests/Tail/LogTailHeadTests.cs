using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Tail;

/// <summary>What one look at the head does: what it proves, what it has the tail read, and when the log is read anew.</summary>
public sealed class LogTailHeadTests : HeldHead
{
    [Fact]
    public async Task A_poll_gives_the_hint_time_and_then_reads()
    {
        await BeginAsync();
        Log.Store(2);
        await PolledAsync();
        Log.HoldHead();
        Assert.Empty(Log.Reads.Items);
        await UntilAsync(() => Time.Advance(ParkFor), () => Log.Reads.Count > 0);
        await SettleAsync();
        Assert.Equal([1, 2], Delivered.Versions);
        Assert.Equal([0], Log.Reads.Items);
        Assert.Equal(1, Counted["notify.tail.reads", "poll"]);
    }

    [Fact]
    public async Task What_a_poll_saw_and_a_hint_then_brought_is_not_read()
    {
        await BeginAsync();
        var stored = Log.Store(2);
        await PolledAsync();
        Log.HoldHead();
        Tail.Committed(Log.Epoch, stored);
        await SettleAsync();
        Time.Advance(ParkFor);
        await SettleAsync();
        Assert.Equal([1, 2], Delivered.Versions);
        Assert.Empty(Log.Reads.Items);
    }

    [Fact]
    public async Task What_this_node_has_been_told_of_is_its_head()
    {
        await BeginAsync();
        Delivered.Hold();
        var stored = Log.Store(3);
        Tail.Committed(Guid.NewGuid(), stored);
        Assert.Equal(0, Position.View!.Head);
        Tail.Committed(Log.Epoch, stored);
        Assert.Equal(3, Position.View.Head);
    }

    [Fact]
    public async Task A_hidden_change_has_the_log_read_anew_from_the_first_version_that_was_not_proven()
    {
        await BeginAsync();
        Log.Store(EntryKind.Notification, EntryKind.Notification, EntryKind.InboxMarked);
        for (var version = 1; version <= 3; version++) Tail.CommittedElsewhere(Log.Epoch, [ScriptedLog.Entry(version)], default);
        await SettleAsync();
        await ReadAnewAsync();
        Assert.Equal((1L, 3L), (Position.View!.DiffersFrom, Position.View.Start));
    }

    [Fact]
    public async Task What_the_head_has_proven_is_not_sent_again_for_a_hidden_change_after_it()
    {
        await BeginAsync();
        Tail.CommittedElsewhere(Log.Epoch, Log.Store(1), default);
        await SettleAsync();
        await PolledAsync();
        Log.HoldHead();
        Log.Store(EntryKind.Notification, EntryKind.InboxMarked, EntryKind.Notification);
        Tail.CommittedElsewhere(Log.Epoch, [.. Enumerable.Range(2, 3).Select(version => ScriptedLog.Entry(version))], default);
        await SettleAsync();
        await ReadAnewAsync();
        Assert.Equal((2L, 4L), (Position.View!.DiffersFrom, Position.View.Start));
    }

    [Fact]
    public async Task A_hidden_change_does_not_make_what_differed_before_it_right()
    {
        Log.Store(3);
        await BeginAsync();
        Log.LetHeadGo();
        Tail.Distrust(Position.View!, 2);
        await Eventually.TrueAsync(() => Position.View!.DiffersFrom == 2, "read anew");
        Log.HoldHead();
        Log.Store(EntryKind.InboxMarked);
        Tail.CommittedElsewhere(Log.Epoch, [ScriptedLog.Entry(4)], default);
        await SettleAsync();
        await ReadAnewAsync();
        Assert.Equal((2L, 4L), (Position.View!.DiffersFrom, Position.View.Start));
    }

    [Fact]
    public async Task What_waits_behind_a_failed_change_is_not_proven_by_a_head_before_it()
    {
        await BeginAsync();
        Log.Store(1);
        Delivered.IsAway = true;
        Tail.CommittedElsewhere(Log.Epoch, [.. Enumerable.Range(1, 3).Select(version => ScriptedLog.Entry(version))], default);
        await SettleAsync();
        await PolledAsync(); // 1 is proven, 2 and 3 are not: they are not in the log yet
        Log.HoldHead();
        Delivered.IsAway = false;
        Log.Store(EntryKind.InboxMarked, EntryKind.InboxMarked);
        Tail.Ahead(Log.Epoch, 3);
        await SettleAsync();
        Assert.Equal([1, 2, 3], Delivered.Versions);
        await ReadAnewAsync();
        Assert.Equal(2, Position.View!.DiffersFrom);
    }

    [Fact]
    public async Task Retention_that_has_passed_the_tail_has_it_begin_again_and_nothing_was_wrong()
    {
        await BeginAsync();
        Log.Store(5);
        Log.Oldest = 4;
        Log.LetHeadGo();
        Tail.Ahead(Log.Epoch, 5);
        await Eventually.TrueAsync(() => Position.View!.Start == 5, "read anew");
        Assert.Equal(6, Position.View!.DiffersFrom);
        Assert.Empty(Delivered.Versions);
    }

    [Fact]
    public async Task Retention_that_has_come_up_to_the_tail_takes_nothing_from_it()
    {
        await BeginAsync();
        Log.Store(2);
        Tail.Ahead(Log.Epoch, 2);
        await SettleAsync();
        Log.Store(1);
        Log.Oldest = 3;
        Tail.Ahead(Log.Epoch, 3);
        await SettleAsync();
        Assert.Equal([1, 2, 3], Delivered.Versions);
        Assert.Null(Position.View!.DiffersFrom);
    }

    [Fact]
    public async Task What_was_once_distrusted_stays_so_for_those_that_have_not_seen_it_yet()
    {
        Log.Store(9);
        await BeginAsync();
        Log.LetHeadGo();
        foreach (var (from, expected) in new[] { (5, 5), (8, 5), (3, 3) })
        {
            var view = Position.View!;
            Tail.Distrust(view, from);
            await Eventually.TrueAsync(() => !ReferenceEquals(view, Position.View), "read anew");
            Assert.Equal(expected, Position.View!.DiffersFrom);
            Tail.Distrust(view, 1); // of the view before
        }

        var last = Position.View;
        await SettleAsync();
        Assert.Same(last, Position.View);
    }

    [Fact]
    public async Task A_head_that_was_read_before_the_last_hint_is_read_again_and_proves_nothing()
    {
        await BeginAsync();
        var view = Position.View;
        Tail.Committed(Log.Epoch, Log.Store(1));
        await SettleAsync();
        Log.SayOnce(new LogHead(Log.Epoch, 0, 1));
        await PolledAsync();
        Assert.Equal(0, Log.EpochsBegun);
        Assert.Same(view, Position.View);
    }

    [Fact]
    public async Task A_head_that_stays_below_the_tail_begins_an_epoch_and_what_waited_in_the_one_before_is_forgotten()
    {
        var stored = Log.Store(3);
        await BeginAsync();
        Tail.Committed(Log.Epoch, [ScriptedLog.Entry(5)]); // early in this epoch
        await SettleAsync();
        Log.Lose(above: 1);
        var (view, before) = (Position.View, Log.Epoch);
        Log.LetHeadGo();
        await UntilAsync(Position.Suspect, () => !ReferenceEquals(view, Position.View));
        Assert.Equal(1, Log.EpochsBegun);
        Assert.NotEqual(before, Log.Epoch);
        Assert.Equal((Log.Epoch, 1L, null), (Position.View!.EpochId, Position.View.Start, Position.View.DiffersFrom));

        Tail.Committed(before, stored[1..]);
        Tail.Committed(Log.Epoch, Log.Store(3));
        await SettleAsync();
        Assert.Equal([2, 3, 4], Delivered.Versions);
    }

    [Fact]
    public async Task A_log_that_became_another_one_meanwhile_is_followed_and_not_given_an_epoch_by_this_node()
    {
        Log.Store(3);
        await BeginAsync();
        var view = Position.View!;
        Log.Lose(above: 1);
        Log.Epoch = Guid.NewGuid();
        Log.SayOnce(new LogHead(view.EpochId, 1, 1));
        await ReadAnewAsync();
        Assert.Equal((Log.Epoch, 0), (Position.View!.EpochId, Log.EpochsBegun));
    }
}
