using Notify.Tests.Fixtures;
using Notify.Tests.Publishing;

namespace Notify.Tests.Delivery;

public sealed class SessionKeeperTests
{
    private static readonly TimeSpan HalfAMinute = TimeSpan.FromSeconds(31);

    [Fact]
    public async Task A_quiet_session_hears_every_30_s_how_far_it_is_when_the_log_moved_on()
    {
        var time = new ShiftedTime();
        await using var rig = await DeliveryRig.StartAsync(time: time);
        var (_, sink, _) = await rig.ResumeAsync(0, "mine");
        var (_, busy, _) = await rig.ResumeAsync(0, "others");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");

        time.Advance(HalfAMinute); // the log did not move: there is nothing to say
        var version = await rig.PublishAsync("others", 5);
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "Progress"), "progress");
        Assert.Equal(["CaughtUp", "Progress"], sink.Received.Select(r => r.Target));
        Assert.Equal((version, rig.Position.View!.Epoch), (sink.Received[1].Version, sink.Received[1].Argument.GetProperty("epoch").GetString()));

        version = await rig.PublishAsync("others");
        time.Advance(HalfAMinute);
        await Eventually.TrueAsync(() => sink.Received.Count(r => r.Target == "Progress") == 2, "progress again");
        Assert.Equal(version, sink.Received[^1].Version);
        Assert.DoesNotContain(busy.Received, r => r.Target == "Progress"); // a notification says the same
    }

    [Fact]
    public async Task No_client_stays_connected_but_receives_nothing_when_the_log_cannot_be_read_for_30_s()
    {
        var time = new ShiftedTime();
        var log = new ListLog();
        await using var rig = await DeliveryRig.StartAsync(time: time, log: log);
        var (_, sink, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");

        log.IsAway = true;
        time.Advance(HalfAMinute);
        await Eventually.TrueAsync(() => sink.Closed, "closed with reconnect allowed");

        log.IsAway = false;
        await Eventually.TrueAsync(() => rig.Position.UnreadableFor < HalfAMinute, "the log is read again");
        var (_, back, _) = await rig.ResumeAsync(0, "t");
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => back.Versions.Any(), "live again");
        Assert.False(back.Closed);
    }
}
