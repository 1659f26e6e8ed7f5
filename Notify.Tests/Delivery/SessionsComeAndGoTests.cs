using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;
using Notify.Server.Wire;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Delivery;

/// <summary>How a node counts its sessions, what it answers to Resume, and how it asks connections to leave.</summary>
public sealed class SessionsComeAndGoTests
{
    private const int AtATime = 100;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task Sessions_are_counted_by_user_until_they_are_removed()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var sessions = new SessionRegistry();
        var (added, removed) = (new List<DeliverySession>(), new List<DeliverySession>());
        sessions.Added += added.Add;
        sessions.Removed += removed.Add;
        var (first, second, nameless) = (rig.Connect("alice").Session, rig.Connect("alice").Session, rig.Connect().Session);
        sessions.Add("1", first, "alice");
        sessions.Add("2", second, "alice");
        sessions.Add("3", nameless, null);
        Assert.Equal([first, second, nameless], added);
        Assert.Equal((3, 2, 0), (sessions.Count, sessions.CountOf("alice"), sessions.CountOf("bob")));
        Assert.Equal((3, 0), (sessions.CountIn(SessionState.Idle), sessions.CountIn(SessionState.Live)));
        Assert.Same(second, sessions.Find("2"));

        sessions.Remove("1");
        sessions.Remove("1"); // it is gone already
        sessions.Remove("3");
        Assert.Equal([first, nameless], removed);
        Assert.Equal(SessionState.Closed, first.State);
        Assert.Equal(SessionState.Idle, second.State);
        Assert.Equal((1, 1), (sessions.Count, sessions.CountOf("alice")));
        Assert.Null(sessions.Find("1"));

        sessions.Remove("2");
        Assert.Equal((0, 0), (sessions.Count, sessions.CountOf("alice")));
        sessions.Add("4", rig.Connect("alice").Session, "alice");
        Assert.Equal(1, sessions.CountOf("alice"));
    }

    [Fact]
    public async Task Resume_refuses_what_is_no_version_and_no_epoch_and_takes_all_else()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (2, "t"));
        await RefusedAsync(rig, new ResumeRequest { Since = -1 }, "'since'");
        await RefusedAsync(rig, new ResumeRequest { Since = LogLimits.MaxVersion + 1 }, "'since'");
        await RefusedAsync(rig, new ResumeRequest { Epoch = "" }, "'epoch'");
        await RefusedAsync(rig, new ResumeRequest { Epoch = new string('e', 65) }, "'epoch'");
        foreach (var foreign in (ResumeRequest[])[new() { Since = LogLimits.MaxVersion }, new() { Since = 1, Epoch = new string('e', 64) }])
        {
            var (session, sink) = rig.Connect();
            var (result, refusal) = await ResumeAsync(rig, session, foreign);
            Assert.Null(refusal);
            Assert.Equal((2, rig.Position.View!.Epoch), (result!.Head, result.Epoch));
            session.Start();
            await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "Gap"), "it is told that its version is of another log");
        }
    }

    [Fact]
    public async Task Resume_is_answered_once_and_tells_a_user_its_groups()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var access = new SessionAccess(static _ => true, [TopicFilter.Exact(TopicName.OfGroup("eu")), TopicFilter.Exact(TopicName.OfGroup("us"))]);
        var (nameless, _) = rig.Connect();
        var (answer, _) = await ResumeAsync(rig, nameless, new ResumeRequest(), access);
        Assert.Null(answer!.User);
        Assert.Null(answer.Groups);
        Assert.Null(answer.TokenGroups);
        var (again, refusal) = await ResumeAsync(rig, nameless, new ResumeRequest(), access);
        Assert.Null(again);
        Assert.Equal(ErrorCodes.InvalidRequest, refusal!.Code);
        Assert.Contains("first call", refusal.Detail, StringComparison.Ordinal);

        var (alice, _) = rig.Connect("alice");
        (answer, _) = await ResumeAsync(rig, alice, new ResumeRequest(), access);
        Assert.Equal("alice", answer!.User);
        Assert.Empty(answer.Groups!);
        Assert.Equal(["eu", "us"], answer.TokenGroups);
        (again, refusal) = await ResumeAsync(rig, alice, new ResumeRequest(), access);
        Assert.Null(again);
        Assert.Equal(ErrorCodes.InvalidRequest, refusal!.Code);
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
        var time = new ShiftedTime();
        await using var rig = await DeliveryRig.StartAsync(time: time);
        var (stuck, well) = (new CountingSink { IsStuck = true }, new CountingSink());
        rig.Get<SessionOpener>()("stuck", stuck, null);
        rig.Get<SessionOpener>()("well", well, null);
        await Eventually.TrueAsync(() => stuck.Cuts > 0, "cut");
        Assert.Equal((0, 0, 0), (stuck.AskedToLeave, well.AskedToLeave, well.Cuts));
    }

    [Fact]
    public void Frames_go_out_whole_once_half_a_mebibyte_was_taken_at_once()
    {
        var pace = new WritePace();
        pace.Took(FrameOf(512 * 1024 - 300));
        Assert.False(pace.IsQuick);
        pace.Took(FrameOf(300), after: TimeSpan.FromSeconds(1));
        Assert.True(pace.IsQuick); // to the byte
        pace.Took(FrameOf(300), after: TimeSpan.FromSeconds(1.001));
        Assert.False(pace.IsQuick);
        pace.Took(FrameOf(512 * 1024 - 1)); // it begins anew
        Assert.False(pace.IsQuick);
    }

    [Fact]
    public void Frames_are_joined_once_for_all_up_to_a_quarter_of_a_mebibyte()
    {
        var frames = new JoinedFrames();
        var (a, b) = (FrameOf(256 * 1024 - 300, 1), FrameOf(300, 2));
        frames.Begin(a);
        Assert.Same(a, frames.Join());
        Assert.True(frames.TryAdd(b)); // to the byte
        Assert.False(frames.TryAdd(FrameOf(257, 3)));
        var joined = frames.Join();
        Assert.Equal((2, 2), (joined.Entries, joined.Last));

        frames.Begin(a);
        frames.TryAdd(b);
        Assert.Same(joined, frames.Join());
        frames.Clear();
        frames.Begin(a);
        frames.TryAdd(b);
        Assert.NotSame(joined, frames.Join());
    }

    private static NotificationFrame FrameOf(int bytes, long version = 1) =>
        new([new DeliveryEntry(Entries.At(version) with { Content = new byte[bytes - LogLimits.EntryOverheadBytes] })]);

    private static Task<(ResumeResult? Result, Engine.Refusal? Refusal)> ResumeAsync(
        DeliveryRig rig, DeliverySession session, ResumeRequest request, SessionAccess? access = null) =>
        rig.Get<Resumption>().ResumeAsync(session, request, access ?? SessionAccess.Everything, TestContext.Current.CancellationToken);

    private static async Task RefusedAsync(DeliveryRig rig, ResumeRequest request, string detail)
    {
        var (session, _) = rig.Connect();
        var (result, refusal) = await ResumeAsync(rig, session, request);
        Assert.Null(result);
        Assert.Equal(ErrorCodes.InvalidRequest, refusal!.Code);
        Assert.StartsWith(detail, refusal.Detail, StringComparison.Ordinal);
        Assert.Equal(SessionState.Idle, session.State);
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
