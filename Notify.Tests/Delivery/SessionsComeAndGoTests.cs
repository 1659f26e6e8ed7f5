using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Sessions;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Delivery;

/// <summary>How a node counts its sessions, and what it answers to Resume.</summary>
public sealed class SessionsComeAndGoTests
{
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
}
