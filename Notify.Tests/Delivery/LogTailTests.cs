using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;
using Notify.Tests.Publishing;

namespace Notify.Tests.Delivery;

/// <summary>Hints may come early, late, twice, overlapping, from another epoch, or not at all.</summary>
public sealed class LogTailTests
{
    [Fact]
    public async Task An_entry_without_a_hint_is_found_by_polling()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (_, sink, _) = await rig.ResumeAsync(0, "#");
        await rig.AppendAsync(5, "t");
        await Eventually.TrueAsync(() => sink.Versions.Count() == 5, "five delivered without a hint");
        Assert.Equal([1, 2, 3, 4, 5], sink.Versions);
    }

    [Fact]
    public async Task Hints_in_any_order_twice_and_overlapping_are_delivered_once_and_in_order()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (_, sink, _) = await rig.ResumeAsync(0, "#");
        var result = await rig.AppendAsync(100, "t");
        var stored = result!.Stored;

        foreach (var (from, to) in new[] { (60, 80), (10, 30), (0, 5), (0, 20), (20, 70), (20, 70), (95, 100), (90, 97), (75, 96) })
            rig.Tail.Committed(result.Epoch, [.. stored.Skip(from).Take(to - from)]);

        await Eventually.TrueAsync(() => sink.Versions.Count() >= 100, "all delivered");
        Assert.Equal(Enumerable.Range(1, 100).Select(i => (long)i), sink.Versions);
    }

    [Fact]
    public async Task A_log_whose_rows_cannot_be_read_is_asked_now_and_then_and_not_without_a_pause()
    {
        var log = new ListLog { RowsAreAway = true };
        await log.AppendAsync(new AppendBatch(Guid.NewGuid(), [new NewEntry { Id = Guid.CreateVersion7(), Topic = "t", Content = "{}"u8.ToArray() }]),
            TestContext.Current.CancellationToken);
        var starting = DeliveryRig.StartAsync(TimeProvider.System, log);
        var asked = await log.RowsAskedFor.CountAsync(4);
        log.RowsAreAway = false;
        await using var rig = await starting; // and it begins when they can
        Assert.True(TimeProvider.System.GetElapsedTime(asked[0], asked[3]) > TimeSpan.FromMilliseconds(150), "three pauses of 100 ms");
        Assert.Equal(1, rig.Position.View!.Ring.End);
    }

    [Fact]
    public async Task A_hole_before_an_early_hint_is_read_from_the_log()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (_, sink, _) = await rig.ResumeAsync(0, "#");
        await rig.AppendAsync(3000, "t"); // more than one read
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Count() >= 3001, "all delivered");
        Assert.Equal(Enumerable.Range(1, 3001).Select(i => (long)i), sink.Versions);
    }

    [Fact]
    public async Task A_hint_of_another_epoch_delivers_nothing()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (_, sink, _) = await rig.ResumeAsync(0, "#");
        rig.Tail.Committed(Guid.NewGuid(), [Entries.At(1, "invented")]);
        await rig.PublishAsync("real");
        await Eventually.TrueAsync(() => sink.Versions.Any(), "the real one delivered");
        Assert.Equal(["real"], sink.Received.Where(r => r.Version > 0 && r.Target == "Notification").Select(r => r.Argument.GetProperty("topic").GetString()));
    }

    [Fact]
    public async Task A_new_epoch_gives_every_session_a_gap_and_starts_again_at_the_oldest()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (10, "t"));
        var (_, sink, _) = await rig.ResumeAsync(10, "#");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");

        var epoch = await rig.Log.BeginEpochAsync(CancellationToken.None);
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "Gap"), "the gap is told");
        var gap = sink.Received.First(r => r.Target == "Gap").Argument;
        Assert.Equal("epoch", gap.GetProperty("reason").GetString());
        Assert.Equal(epoch.ToString(), gap.GetProperty("epoch").GetString());
        Assert.Equal(1, gap.GetProperty("oldest").GetInt64());

        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Contains(11), "the new one delivered");
        Assert.Equal(Enumerable.Range(1, 11).Select(i => (long)i), sink.Versions);
        Assert.Single(sink.Received, r => r.Target == "CaughtUp");
    }

    [Fact]
    public async Task Internal_entries_are_passed_over_and_never_sent()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (_, sink, _) = await rig.ResumeAsync(0, "#");
        await rig.Log.AppendAsync(
            new AppendBatch(Guid.NewGuid(),
                [new NewEntry { Id = Guid.CreateVersion7(), Kind = EntryKind.MembersChanged, Topic = "t",
                Content = Entries.ContentOf(EntryKind.MembersChanged) }]),
            CancellationToken.None);
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Any(), "the notification delivered");
        Assert.Equal([2], sink.Versions);
    }
}
