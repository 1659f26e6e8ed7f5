using System.Diagnostics.Metrics;
using Microsoft.Extensions.Time.Testing;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Delivery;

/// <summary>What a session answers to each call in each of its states.</summary>
public sealed class SessionCallTests
{
    private const int Most = 3;

    private static readonly LimitSettings Limits = new() { FiltersPerConnection = Most, SessionQueueEntries = 2 };

    [Fact]
    public async Task A_session_is_resumed_and_started_once_and_not_after_its_end()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (2, "t"));
        var (session, sink) = rig.Connect();
        session.Start(); // not resumed yet
        Assert.Equal(SessionState.Idle, session.State);
        Assert.True(session.TryResume(Beginning(rig, since: 0, "t")));
        Assert.False(session.TryResume(Beginning(rig, since: 0, "t")));
        session.Start();
        session.Start();
        await LiveAsync(session);
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Contains(3), "live");
        session.Start(); // it stays live
        Assert.Equal(SessionState.Live, session.State);
        Assert.Equal([1, 2, 3], sink.Versions);
        Assert.Single(sink.Received, r => r.Target == "CaughtUp");

        session.Close();
        Assert.False(session.TryResume(Beginning(rig, since: 0, "t")));
        session.Start();
        Assert.Equal(SessionState.Closed, session.State);
    }

    [Fact]
    public async Task A_connection_follows_as_many_filters_as_the_limit_allows_and_one_that_it_has_does_not_count_again()
    {
        await using var rig = await DeliveryRig.StartAsync(Limits);
        var (session, _) = rig.Connect();
        Assert.False(session.TrySubscribe([F("a")], out _, out _)); // not resumed yet
        Assert.True(session.TryResume(Beginning(rig, since: 0, "a")));
        Assert.False(session.TrySubscribe([F("b"), F("c"), F("d")], out _, out var none));
        Assert.Empty(none);
        Assert.Equal(["a"], session.Topics);
        Assert.True(session.TrySubscribe([F("a"), F("b"), F("c")], out _, out var topics));
        Assert.Equal(["a", "b", "c"], topics);
        Assert.True(session.TrySubscribe([F("a"), F("c")], out _, out _));
        Assert.False(session.TrySubscribe([F("d")], out _, out _));
        session.Close();
        Assert.False(session.TrySubscribe([F("a")], out _, out _));
    }

    [Fact]
    public async Task An_ephemeral_one_comes_to_live_sessions_that_follow_it_and_have_room()
    {
        await using var rig = await DeliveryRig.StartAsync(Limits);
        using var counted = new Readings(rig.Get<IMeterFactory>());
        var (session, sink, _) = await rig.ResumeAsync(0, "t");
        await LiveAsync(session);
        rig.Tail.Ephemeral(Entries.At(0, "other"));
        rig.Tail.Ephemeral(Entries.At(0, "t"));
        await Eventually.TrueAsync(() => sink.Versions.Any(), "delivered");
        Assert.Equal("t", sink.Received[^1].Argument.GetProperty("topic").GetString());

        var asked = sink.Asked;
        sink.Stall();
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Asked == asked + 1, "a write waits");
        for (var i = 0; i < Limits.SessionQueueEntries + 3; i++) rig.Tail.Ephemeral(Entries.At(0, "t"));
        await Eventually.TrueAsync(() => counted["notify.ephemeral.dropped"] == 3, "what has no room is dropped");
        sink.Open();
        var mark = await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the session goes on");
        Assert.Equal([0, 1, .. new long[Limits.SessionQueueEntries], mark], sink.Versions);

        session.Close();
        Assert.False(session.OfferEphemeral(SignalFrame("x"), new DeliveryEntry(Entries.At(0, "t"))));
    }

    [Fact]
    public async Task A_signal_is_for_connections_that_have_resumed_and_goes_before_what_is_queued()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (session, sink) = rig.Connect();
        session.Signal("k", SignalFrame("before Resume"));
        session.TryResume(Beginning(rig, since: 0, "t"));
        session.Signal("k", SignalFrame("before the start"));
        session.Start();
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
        session.Signal("k", SignalFrame("live"));
        await Eventually.TrueAsync(() => Said(sink).Contains("live"), "at once");

        var asked = sink.Asked;
        sink.Stall();
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Asked == asked + 1, "a write waits");
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => rig.Position.Dispatched == 2, "queued");
        session.Signal("k", SignalFrame("replaced"));
        session.Signal("k", SignalFrame("first"));
        sink.Open();
        await Eventually.TrueAsync(() => sink.Versions.Count() == 2, "all of it");
        Assert.Equal(["before the start", "live", "first"], Said(sink));
        Assert.Equal(["Notification", "Progress", "Notification"], sink.Received.TakeLast(3).Select(r => r.Target));

        session.Close();
        session.Signal("k", SignalFrame("after the end"));
        Assert.False(session.TryTakeSignal(out _));
    }

    [Fact]
    public async Task A_signal_that_waits_while_a_slow_session_goes_live_again_is_sent()
    {
        await using var rig = await DeliveryRig.StartAsync(Limits);
        var (session, sink, _) = await rig.ResumeAsync(0, "t");
        await LiveAsync(session);
        var asked = sink.Asked;
        sink.Stall();
        for (var i = 0; i < 5; i++) await rig.PublishAsync();
        await Eventually.TrueAsync(() => session.State == SessionState.CatchingUp && sink.Asked == asked + 1, "too slow");
        session.Signal("k", SignalFrame("waits"));
        sink.Open();
        await Eventually.TrueAsync(() => Said(sink).Any() && sink.Versions.Count() == 5, "all of it");
        Assert.Equal([1, 2, 3, 4, 5], sink.Versions);
        Assert.Single(sink.Received, r => r.Target == "CaughtUp");
    }

    [Fact]
    public async Task A_client_may_acknowledge_what_was_sent_to_it_in_this_epoch_of_the_log()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (5, "t"));
        var (session, sink) = rig.Connect();
        Assert.False(session.MayAcknowledge(0, out _));
        Assert.True(session.TryResume(Beginning(rig, since: 3, "t")));
        Assert.True(session.MayAcknowledge(3, out var epoch));
        Assert.Equal(rig.Position.View!.EpochId, epoch);
        Assert.False(session.MayAcknowledge(4, out _));
        session.Start();
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
        Assert.True(session.MayAcknowledge(5, out _));
        Assert.False(session.MayAcknowledge(6, out _));

        var (foreign, _) = rig.Connect();
        Assert.True(foreign.TryResume(Beginning(rig, since: 3, "t") with { IsForeign = true }));
        Assert.False(foreign.MayAcknowledge(1, out _)); // until the Gap is sent
    }

    [Fact]
    public async Task Another_credential_leaves_what_it_covers_and_brings_its_own_groups_from_now_on()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (session, sink) = rig.Connect();
        var narrow = new SessionAccess(filter => filter.Text != "secret", [F("groups/new")]);
        Assert.Empty(session.Reauthenticate(narrow)); // not resumed yet
        var access = new SessionAccess(static _ => true, [F("groups/old")]);
        Assert.True(session.TryResume(Beginning(rig, since: 0, "secret", "open") with { Access = access }));
        session.Start();
        await LiveAsync(session);
        foreach (var topic in new[] { "secret", "open", "groups/old", "groups/new" }) await rig.PublishAsync(topic);
        await Eventually.TrueAsync(() => sink.Versions.Count() == 3, "by the first credential");

        Assert.Equal(["open"], session.Reauthenticate(narrow));
        foreach (var topic in new[] { "secret", "groups/old", "groups/new", "open" }) await rig.PublishAsync(topic);
        await Eventually.TrueAsync(() => sink.Versions.Contains(8), "by the second one");
        Assert.Equal([1, 2, 3, 7, 8], sink.Versions);
        session.Close();
        Assert.Empty(session.Reauthenticate(narrow));
    }

    [Fact]
    public async Task A_users_interest_begins_and_ends_once_and_only_in_its_own_epoch()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (3, "t"));
        var epoch = rig.Position.View!.EpochId;
        var (session, sink, _) = await rig.ResumeAsAsync("ann", 3);
        await LiveAsync(session);
        var membership = new UserInterest(InterestKind.Membership, TopicFilter.Exact(TopicName.OfGroup("g")), Since: 3);
        Assert.False(session.Begin(Guid.NewGuid(), membership));
        Assert.True(session.Begin(epoch, membership));
        Assert.False(session.Begin(epoch, membership));
        Assert.Equal(["g"], session.Groups);
        await rig.PublishAsync(TopicName.OfGroup("g"));
        await Eventually.TrueAsync(() => sink.Versions.Contains(4), "as a member");
        Assert.True(session.ComesToUser(4, TopicName.OfGroup("g")));
        Assert.True(session.Follows(TopicName.OfGroup("g")));
        Assert.Empty(session.Explain(4, TopicName.OfGroup("g"))); // the user's, not the connection's

        Assert.False(session.End(Guid.NewGuid(), InterestKind.Membership, membership.Filter, at: 4));
        Assert.True(session.End(epoch, InterestKind.Membership, membership.Filter, at: 4));
        Assert.False(session.End(epoch, InterestKind.Membership, membership.Filter, at: 4));
        Assert.Empty(session.Groups);
        Assert.False(session.ComesToUser(5, TopicName.OfGroup("g")));
        await rig.PublishAsync(TopicName.OfGroup("g"));
        var mark = await rig.PublishAsync(TopicName.OfUser("ann"));
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last delivered");
        Assert.Equal([4, mark], sink.Versions);
        Assert.True(session.SweepEnded(mark));

        session.Close();
        Assert.False(session.Begin(epoch, membership));
    }

    [Fact]
    public async Task What_is_queued_for_a_membership_that_has_ended_still_comes()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (session, sink, _) = await rig.ResumeAsAsync("ann", 0);
        await LiveAsync(session);
        await Eventually.TrueAsync(() => sink.Received.Count == 1, "caught up");
        var epoch = rig.Position.View!.EpochId;
        TopicFilter Of(string group) => TopicFilter.Exact(TopicName.OfGroup(group));
        void Begin(string group) => Assert.True(session.Begin(epoch, new UserInterest(InterestKind.Membership, Of(group), Since: 0)));
        void End(string group, long at) => Assert.True(session.End(epoch, InterestKind.Membership, Of(group), at));

        Begin("g");
        sink.Stall();
        await rig.PublishAsync(TopicName.OfGroup("g"));
        await Eventually.TrueAsync(() => sink.Asked == 2, "a write waits");
        await rig.PublishAsync(TopicName.OfGroup("g"));
        await Eventually.TrueAsync(() => rig.Position.Dispatched == 2, "queued");
        End("g", at: 2);
        for (var i = 0; i < 20; i++) // more than are kept of what is over
        {
            Begin($"g{i}");
            End($"g{i}", at: 2);
        }

        Assert.True(session.SweepEnded(2));
        sink.Open();
        await Eventually.TrueAsync(() => sink.Versions.Count() == 2, "both");
        Assert.Equal([1, 2], sink.Versions);
    }

    [Fact]
    public async Task What_was_queued_in_another_epoch_is_not_sent()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (session, sink, _) = await rig.ResumeAsync(0, "t");
        await LiveAsync(session);
        await Eventually.TrueAsync(() => sink.Received.Count == 1, "caught up");
        sink.Stall();
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Asked == 2, "a write waits");
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => rig.Position.Dispatched == 2, "queued");
        await rig.Log.BeginEpochAsync(CancellationToken.None);
        await Eventually.TrueAsync(() => session.State == SessionState.CatchingUp, "the log is another one");
        sink.Open();
        await Eventually.TrueAsync(() => sink.Versions.Count() >= 3, "all again, after a Gap");
        Assert.Equal(["CaughtUp", "Notification", "Gap", "Notification", "Notification"], sink.Received.Select(r => r.Target));
        Assert.Equal([1, 1, 2], sink.Versions);
    }

    [Fact]
    public async Task A_session_whose_write_breaks_is_closed_so_that_its_client_comes_back()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (session, sink, _) = await rig.ResumeAsync(0, "t");
        await LiveAsync(session);
        await Eventually.TrueAsync(() => sink.Received.Count == 1, "caught up");
        sink.Break();
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Closed, "closed");
        Assert.Empty(sink.Versions);
    }

    [Fact]
    public async Task What_a_connection_brings_itself_is_explained()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var access = new SessionAccess(static _ => true, [F("groups/g")]);
        var (session, _, _) = await rig.ResumeAsAsync("ann", 0, access: access, topics: ["a/#"]);
        Assert.Equal(InterestKind.Named, Assert.Single(session.Explain(1, "a/b")).Kind);
        Assert.Equal(InterestKind.Token, Assert.Single(session.Explain(1, "groups/g")).Kind);
        Assert.Empty(session.Explain(1, TopicName.OfUser("ann")));
        Assert.True(session.ComesToUser(1, TopicName.OfUser("ann")));
        Assert.False(session.ComesToUser(1, "a/b"));
    }

    [Theory]
    [InlineData(6, 1, null)] // above what it was sent
    [InlineData(5, 1, 5)]
    [InlineData(2, 1, 2)]
    [InlineData(2, 4, 4)] // what is no longer kept cannot be sent again
    public async Task A_log_that_differs_in_what_was_sent_takes_the_session_back_to_there(long from, long oldest, int? expected)
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (5, "t"));
        var (session, _) = rig.Connect();
        Assert.True(session.TryResume(Beginning(rig, since: 5, "t")));
        var anew = new LogView(new LogHead(rig.Position.View!.EpochId, 5, oldest), new Ring(5, 10, 1000), differsFrom: from);
        var gap = session.AdoptView(anew);
        Assert.Equal(expected is { } first ? new Gap(5, first, 5, anew.Epoch, GapReasons.Epoch) : null, gap);
        Assert.Equal((expected ?? 6) - 1, session.Cursor);
        Assert.Null(session.AdoptView(anew));
    }

    [Fact]
    public async Task Progress_is_due_after_the_quiet_time_to_the_tick_and_only_for_what_was_not_passed()
    {
        var (time, quiet) = (new FakeTimeProvider(), TimeSpan.FromSeconds(30));
        await using var rig = await DeliveryRig.StartAsync(time);
        var view = rig.Position.View!;
        var (session, sink, _) = await rig.ResumeAsync(0, "t");
        await LiveAsync(session);
        bool Offer(LogView of, long dispatched, long now) =>
            session.OfferProgress(of, dispatched, version => new ControlFrame(ClientMethods.Progress, new Progress(version, "e")), now, quiet);
        await Eventually.TrueAsync(() => Offer(view, 1, time.GetTimestamp() + quiet.Ticks), "CaughtUp is written");

        time.Advance(TimeSpan.FromSeconds(10));
        session.Pump(); // the last write is at this tick
        var due = time.GetTimestamp() + quiet.Ticks;
        Assert.False(Offer(view, 2, due - 1));
        Assert.False(Offer(view, 1, due));
        Assert.False(Offer(new LogView(new LogHead(view.EpochId, 2, 1), new Ring(2, 10, 1000)), 2, due));
        Assert.True(Offer(view, 2, due));
        Assert.False(Offer(view, 3, due)); // one is on its way
        session.Pump();
        Assert.Equal([1, 2], sink.Received.Where(r => r.Target == "Progress").Select(r => r.Version));
    }

    private static TopicFilter F(string text) => DeliveryRig.Filter(text);

    private static SessionBeginning Beginning(DeliveryRig rig, long since, params string[] topics) =>
        new(rig.Position.View!, since, IsForeign: false) { Named = [.. topics.Select(F)], NamedFrom = since };

    private static ControlFrame SignalFrame(string said) => new(ClientMethods.Progress, new Progress(0, said));

    private static IEnumerable<string> Said(RecordingSink sink) =>
        sink.Received.Where(r => r.Target == "Progress").Select(r => r.Argument.GetProperty("epoch").GetString()!);

    private static Task LiveAsync(DeliverySession session) => Eventually.TrueAsync(() => session.State == SessionState.Live, "live");
}
