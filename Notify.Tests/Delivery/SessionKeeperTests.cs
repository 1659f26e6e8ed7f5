using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;
using Notify.Server.Wire;
using Notify.Tests.Fixtures;
using Notify.Tests.Publishing;

namespace Notify.Tests.Delivery;

public sealed class SessionKeeperTests
{
    private const int AtATime = 100;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
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

    [Theory]
    [InlineData(250, AtATime)]
    [InlineData(200 * 300, 301)] // all within 200 pauses
    public async Task Connections_are_asked_to_leave_some_at_a_time(int connections, int atATime)
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (time, sink) = (new FakeTimeProvider(), new CountingSink());
        var session = rig.Get<SessionOpener>()("many", sink, null);
        var keeper = new SessionKeeper(rig.Sessions, rig.Position, rig.Get<SessionScheduler>(), Options.Create(new NotifyOptions()), time,
            NullLogger<SessionKeeper>.Instance);
        var closing = keeper.CloseAsync([.. Enumerable.Repeat(session, connections)], TestContext.Current.CancellationToken);
        for (var asked = atATime; asked < connections; asked += atATime)
        {
            await Eventually.TrueAsync(() => sink.AskedToLeave >= asked, "the next ones are asked");
            Assert.Equal(asked, sink.AskedToLeave);
            Assert.False(closing.IsCompleted);
            time.Advance(Pause);
        }

        await closing;
        Assert.Equal(connections, sink.AskedToLeave);
        await keeper.CloseAsync([session], TestContext.Current.CancellationToken); // without a pause after the last
        await keeper.CloseAsync([.. Enumerable.Repeat(session, AtATime)], TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_connection_whose_client_takes_nothing_is_cut_and_no_other()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (stuck, well) = (new CountingSink { IsStuck = true }, new CountingSink());
        rig.Get<SessionOpener>()("stuck", stuck, null);
        rig.Get<SessionOpener>()("well", well, null);
        await Eventually.TrueAsync(() => stuck.Cuts > 0, "cut");
        Assert.Equal((0, 0, 0), (stuck.AskedToLeave, well.AskedToLeave, well.Cuts));
    }

    private sealed class CountingSink : ISessionSink
    {
        private int _askedToLeave;
        private int _cuts;

        public FrameEncoder Encoder => FrameEncoders.Json;
        public bool IsStuck { get; init; }
        public int AskedToLeave => Volatile.Read(ref _askedToLeave);
        public int Cuts => Volatile.Read(ref _cuts);

        public ValueTask WriteAsync(EncodedFrame frame) => ValueTask.CompletedTask;

        public void CloseForReconnect() => Interlocked.Increment(ref _askedToLeave);

        public void Cut() => Interlocked.Increment(ref _cuts);
    }
}
