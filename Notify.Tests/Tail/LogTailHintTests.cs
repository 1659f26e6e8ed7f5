using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Tail;

/// <summary>What each hint does by itself: no poll makes up for what a hint should have done.</summary>
public sealed class LogTailHintTests : HeldHead
{
    private const int Mebibyte = 1024 * 1024;

    [Fact]
    public async Task What_is_early_is_parked_and_comes_after_what_it_waited_for_without_a_read()
    {
        await BeginAsync();
        var stored = Log.Store(6);
        foreach (var (from, to) in new[] { (4, 5), (2, 4), (0, 1), (1, 2), (5, 6) }) Tail.Committed(Log.Epoch, stored[from..to]);
        await SettleAsync();
        Time.Advance(ParkFor);
        await SettleAsync();
        Assert.Equal([1, 2, 3, 4, 5, 6], Delivered.Versions);
        Assert.Empty(Log.Reads.Items);
    }

    [Fact]
    public async Task What_was_parked_for_long_enough_makes_the_tail_read_the_hole_once()
    {
        await BeginAsync();
        var stored = Log.Store(4);
        Tail.Committed(Log.Epoch, stored[2..3]);
        Tail.Committed(Log.Epoch, stored[3..4]);
        await SettleAsync();
        Time.Advance(ParkFor - TimeSpan.FromTicks(1));
        await SettleAsync();
        Assert.Empty(Log.Reads.Items);

        Time.Advance(TimeSpan.FromTicks(1));
        await Delivered.Applied.CountAsync(4);
        await SettleAsync();
        Assert.Equal([1, 2, 3, 4], Delivered.Versions);
        Assert.Equal([0], Log.Reads.Items);
        Assert.Equal((1, 1), (Counted["notify.tail.reads"], Counted["notify.tail.reads", "hole"]));
    }

    [Fact]
    public async Task A_read_goes_on_page_by_page_and_only_as_far_as_the_log()
    {
        Log.PageEntries = 2;
        await BeginAsync();
        Log.Store(5);
        Tail.Ahead(Log.Epoch, 5);
        await SettleAsync();
        Assert.Equal([1, 2, 3, 4, 5], Delivered.Versions);
        Assert.Equal([0, 2, 4], Log.Reads.Items);
        Assert.Equal((1, 2), (Counted["notify.tail.reads", "position"], Counted["notify.tail.reads", "hole"]));
    }

    [Fact]
    public async Task A_position_is_read_when_it_is_ahead_and_not_when_it_is_known()
    {
        Log.Store(2);
        await BeginAsync();
        Tail.Ahead(Log.Epoch, 1);
        Tail.Ahead(Log.Epoch, 2);
        await SettleAsync();
        Assert.Empty(Log.Reads.Items);

        Log.Store(1);
        Tail.Ahead(Log.Epoch, 3);
        await SettleAsync();
        Assert.Equal([2], Log.Reads.Items);
        Assert.Equal([3], Delivered.Versions);
        Assert.Equal(1, Counted["notify.tail.reads", "position"]);
    }

    [Fact]
    public async Task A_position_that_came_while_the_log_was_read_is_read_after_it()
    {
        await BeginAsync();
        Log.Store(1);
        var read = HoldReads();
        Tail.Ahead(Log.Epoch, 1);
        await Log.Reads.CountAsync(1);
        Log.Store(2);
        Tail.Ahead(Log.Epoch, 3);
        Tail.Ahead(Log.Epoch, 2);
        await SettleAsync();
        Assert.Equal([0], Log.Reads.Items);

        read.SetResult();
        await Delivered.Applied.CountAsync(3);
        await SettleAsync();
        Assert.Equal([1, 2, 3], Delivered.Versions);
        Assert.Equal([0, 1], Log.Reads.Items);
    }

    [Fact]
    public async Task A_position_that_a_read_has_passed_is_not_read_again()
    {
        await BeginAsync();
        Log.Store(3);
        var read = HoldReads();
        Tail.Ahead(Log.Epoch, 1);
        await Log.Reads.CountAsync(1);
        Tail.Ahead(Log.Epoch, 3);
        await SettleAsync();
        read.SetResult();
        await Delivered.Applied.CountAsync(3);
        await SettleAsync();
        Assert.Equal([0], Log.Reads.Items);
    }

    [Fact]
    public async Task A_position_that_the_log_does_not_have_is_read_once()
    {
        await BeginAsync();
        Log.Store(1);
        Tail.Ahead(Log.Epoch, 5);
        await SettleAsync();
        Assert.Equal([1], Delivered.Versions);
        Assert.Equal([0], Log.Reads.Items);
    }

    [Fact]
    public async Task A_read_that_failed_is_made_again_by_the_next_hint_that_needs_one()
    {
        await BeginAsync();
        Log.Store(1);
        Log.AfterRead = () => throw new StorageUnavailableException("Away, as told.");
        Tail.Ahead(Log.Epoch, 1);
        await SettleAsync();
        Assert.Empty(Delivered.Versions);

        Log.AfterRead = () => Task.CompletedTask;
        Tail.Ahead(Log.Epoch, 1);
        await SettleAsync();
        Assert.Equal([1], Delivered.Versions);
        Assert.Equal([0, 0], Log.Reads.Items);
    }

    [Fact]
    public async Task What_was_read_of_a_log_that_is_another_one_by_then_is_not_taken()
    {
        await BeginAsync();
        Log.Store(1);
        var read = HoldReads();
        Tail.Ahead(Log.Epoch, 1);
        await Log.Reads.CountAsync(1);
        var view = Position.View;
        Position.View = await LogView.ReadAsync(new ScriptedLog(), Guid.Empty, null, Cancel);
        read.SetResult();
        await SettleAsync();
        Assert.Empty(Delivered.Versions);

        Position.View = view; // and the next read is not held up by it
        await UntilAsync(() => Tail.Ahead(Log.Epoch, 1), () => Delivered.Versions.Length == 1);
    }

    [Fact]
    public async Task A_change_is_taken_from_another_node_as_a_position_and_read_from_the_log()
    {
        Log.Store(1);
        await BeginAsync();
        Log.Store(EntryKind.Notification, EntryKind.InboxMarked);
        LogEntry[] forged = [ScriptedLog.Entry(2, content: "forged"), ScriptedLog.Entry(3, EntryKind.KeysChanged, "forged")];
        Tail.CommittedElsewhere(Log.Epoch, forged, default);
        await SettleAsync();
        Assert.Equal([1], Log.Reads.Items);
        Assert.Equal([EntryKind.Notification, EntryKind.InboxMarked], Delivered.Applied.Items.Select(entry => entry.Kind));
        Assert.All(Delivered.Applied.Items, entry => Assert.Equal(2, entry.Content.Length));
    }

    [Fact]
    public async Task This_nodes_own_changes_are_applied_as_they_are()
    {
        await BeginAsync();
        Tail.Committed(Log.Epoch, Log.Store(EntryKind.InboxMarked, EntryKind.Notification));
        await SettleAsync();
        Assert.Equal([1, 2], Delivered.Versions);
        Assert.Empty(Log.Reads.Items);
    }

    [Fact]
    public async Task Hints_of_more_bytes_than_may_wait_are_let_go_and_read_from_the_log()
    {
        const int Waiting = 64;
        await BeginAsync();
        var content = new byte[Mebibyte - LogLimits.EntryOverheadBytes];
        LogEntry[] Stored(int count) => [.. Log.Store(count).Select(entry => entry with { Content = content })];
        var stored = Stored(Waiting + 3);

        Delivered.Hold();
        foreach (var entry in stored[..1]) Tail.Committed(Log.Epoch, [entry]);
        await Delivered.Applied.CountAsync(1); // it waits no longer, and the others do
        foreach (var entry in stored[1..]) Tail.Committed(Log.Epoch, [entry]);
        Delivered.Open();
        await Delivered.Applied.CountAsync(1 + Waiting);
        await SettleAsync();
        Assert.Equal(1 + Waiting, Delivered.Versions[^1]); // to the byte
        Assert.Empty(Log.Reads.Items);

        Delivered.Hold();
        Tail.Ahead(Log.Epoch, Waiting + 3);
        await Delivered.Applied.CountAsync(Waiting + 2);
        foreach (var entry in Stored(Waiting)) Tail.Committed(Log.Epoch, [entry]); // what was let go waits no more, and the read was before these
        Delivered.Open();
        await Delivered.Applied.CountAsync(2 * Waiting + 3);
        await SettleAsync();
        Assert.Equal(1, Counted["notify.tail.reads"]);
    }
}
