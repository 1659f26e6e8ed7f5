using System.Diagnostics.Metrics;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Notify.Contracts.Hub;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory;
using Notify.Engine.Directory.Attributes;
using Notify.Engine.Tail;
using Notify.Server.Authentication;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Access;
using Notify.Tests.Delivery;
using Notify.Tests.Fixtures;
using Notify.Tests.Tail;
using SubscriptionsChanged = Notify.Contracts.Hub.SubscriptionsChanged;

namespace Notify.Tests.People;

/// <summary>
/// The seam of people: between what the log says of members and what sessions hold in memory, at each moment at which something else
/// can come between. Each rule has a schedule that goes wrong without it; ARCHITECTURE.md has the table.
/// </summary>
public sealed class SeamTests
{
    private const string Ops = "$group/ops";
    private const string Hot = "$group/hot";

    // Rule 1: changes are applied before the ring has the unit, an activation by what is read.

    [Fact]
    public async Task An_activation_that_is_applied_late_knows_the_members_that_joined_and_left_since()
    {
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier]);
        var (_, alice, _) = await rig.ResumeAsAsync("alice", since: null);
        var (_, bob, _) = await rig.ResumeAsAsync("bob", since: null);
        var (_, carol, _) = await rig.ResumeAsAsync("carol", since: null);
        await SetAsync(rig, "alice", """{"t":40}""");
        await SetAsync(rig, "bob", """{"t":20}""");
        await SetAsync(rig, "carol", """{"t":40}""");
        using var held = new Latch();
        applier.Before = _ => held.Wait();
        await rig.Get<DirectoryWriter>().MakeAsync(new DirectoryChange.PutGroup("hot", "@.t > 30"), Stop);
        await ActiveAsync(rig, "hot");

        var first = await rig.PublishAsync(Hot);
        await SetAsync(rig, "alice", """{"t":20}""");
        await SetAsync(rig, "bob", """{"t":40}""");
        var second = await rig.PublishAsync(Hot);
        var mark = await rig.PublishAsync("$user/carol");
        await rig.PublishAsync("$user/alice");
        await rig.PublishAsync("$user/bob");
        held.Open();

        await Eventually.TrueAsync(() =>
            carol.Versions.Contains(mark) && alice.Versions.Contains(mark + 1) && bob.Versions.Contains(mark + 2), "the last ones delivered");
        Assert.Equal([first, mark + 1], alice.Versions);
        Assert.Equal([second, mark + 2], bob.Versions);
        Assert.Equal([first, second, mark], carol.Versions);
    }

    [Fact]
    public async Task A_session_that_reads_while_a_group_is_activated_reads_again()
    {
        SteeredLog log = null!;
        await using var rig = await DeliveryRig.StartAsync([], inner => log = new SteeredLog(inner));
        await SetAsync(rig, "alice", """{"t":40}""");
        await rig.ResumeAsAsync("bob", since: null); // somebody for whom it is applied
        var (reading, applying) = (new Hold(), new Hold());
        (log.Steered.AfterPeople, log.Steered.BeforeHeld) = (reading.PassAsync, applying.PassAsync);
        var resuming = rig.ResumeAsAsync("alice", since: null);
        await reading.Reached;
        await rig.Get<DirectoryWriter>().MakeAsync(new DirectoryChange.PutGroup("hot", "@.t > 30"), Stop);
        await applying.Reached;
        reading.Release();
        var (_, sink, _) = await resuming;
        applying.Release();

        var first = await rig.PublishAsync(Hot);
        await Eventually.TrueAsync(() => rig.Position.Dispatched >= first, "dispatched");
        var mark = await rig.PublishAsync("$user/alice");
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last one delivered");
        Assert.Equal([first, mark], sink.Versions);
    }

    [Fact]
    public async Task An_activation_is_not_applied_by_what_another_epoch_says()
    {
        SteeredLog log = null!;
        await using var rig = await DeliveryRig.StartAsync([], inner => log = new SteeredLog(inner));
        await SetAsync(rig, "alice", """{"t":40}""");
        await rig.ResumeAsAsync("alice", since: null);
        var applying = new Hold();
        log.Steered.BeforeHeld = applying.PassAsync;
        await rig.Get<DirectoryWriter>().MakeAsync(new DirectoryChange.PutGroup("hot", "@.t > 30"), Stop);
        await applying.Reached;
        var view = rig.Position.View!;
        var activated = view.WhenAppliedAsync((await rig.Log.ReadHeadAsync(Stop)).Head);
        await rig.Log.BeginEpochAsync(Stop);
        applying.Release();
        Assert.False(await activated.WaitAsync(Stop)); // that epoch ended before
        Assert.NotSame(view, rig.Position.View);
    }

    // Rule 3: registered first, then read; what is applied meanwhile is added above the reading's head.

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_changes_while_a_session_reads_is_not_lost_between(bool joins)
    {
        SteeredLog log = null!;
        await using var rig = await DeliveryRig.StartAsync([], inner => log = new SteeredLog(inner));
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", [joins ? "bob" : "alice"], []));
        await rig.PublishAsync(Ops);
        var reading = new Hold();
        log.Steered.AfterPeople = reading.PassAsync;
        var resuming = rig.ResumeAsAsync("alice", since: null);
        await reading.Reached;
        var changed = await rig.ChangeAsync(new DirectoryChange.ChangeMembers("ops", joins ? ["alice"] : [], joins ? [] : ["alice"]));
        await rig.Position.View!.WhenAppliedAsync(changed);
        reading.Release();
        var (_, sink, _) = await resuming;

        var published = await rig.PublishAsync(Ops);
        var mark = await rig.PublishAsync("$user/alice");
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last one delivered");
        Assert.Equal(joins ? [published, mark] : [mark], sink.Versions);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reading_of_before_the_log_was_read_anew_is_not_used(bool newEpoch)
    {
        SteeredLog log = null!;
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier], inner => log = new SteeredLog(inner));
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var start = await rig.PublishAsync("t");
        await rig.Position.View!.WhenAppliedAsync(start);
        var reading = new Hold();
        log.Steered.AfterPeople = reading.PassAsync;
        var resuming = rig.ResumeAsAsync("alice", since: start);
        await reading.Reached;

        // The membership ends in what this node has no entry of: the log begins anew above it.
        Fail(applier);
        await SilentlyAsync(rig, new DirectoryChange.ChangeMembers("ops", [], ["alice"]));
        await AnewAsync(rig, newEpoch);
        applier.Before = _ => { };
        reading.Release();
        var (_, sink, _) = await resuming;

        await rig.PublishAsync(Ops);
        var mark = await rig.PublishAsync("$user/alice");
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last one delivered");
        Assert.Equal([mark], sink.Versions);
    }

    // Rule 4: the epoch of the log and the intervals change together, and so do the revocations.

    [Fact]
    public async Task A_session_that_goes_over_to_another_epoch_has_the_intervals_of_that_epoch()
    {
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier]);
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"));
        await rig.PublishAsync(Ops);
        await rig.ChangeAsync(new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var during = await rig.PublishAsync(Ops);
        await rig.Position.View!.WhenAppliedAsync(during);
        var (session, sink, _) = await rig.ResumeAsAsync("alice", since: null, topics: ["t"]);
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "live");

        Fail(applier);
        await SilentlyAsync(rig, new DirectoryChange.ChangeMembers("ops", [], ["alice"]));
        await AnewAsync(rig, newEpoch: true);
        applier.Before = _ => { };
        await rig.PublishAsync(Ops);
        var named = await rig.PublishAsync("t");

        // After the Gap it reads from the oldest on: of the group only what was published while the membership held there.
        await Eventually.TrueAsync(() => sink.Versions.Contains(named), "the last one delivered");
        Assert.Equal([during, named], sink.Versions);
        Assert.Equal(1, sink.Signals<Gap>().Single().Oldest);
        Assert.Empty(session.Groups);
    }

    [Fact]
    public async Task When_the_log_is_read_anew_every_connection_is_checked_against_the_revocations_that_were_loaded()
    {
        var applier = new RecordingApplier();
        var late = new LateRevocations();
        await using var rig = await DeliveryRig.StartAsync([applier, late], late.Of);
        var revocations = late.Revocations;
        var watch = new RecordingWatch(revocations, Callers.User("alice"));
        revocations.Watch(watch);
        Fail(applier);
        await SilentlyAsync(rig, new DirectoryChange.RevokeTokens("alice", null));
        Assert.False(revocations.HasRevoked(watch.Caller));
        await AnewAsync(rig, newEpoch: false);
        await Eventually.TrueAsync(() => watch.Looks.Contains(true), "everybody looks again when it is known");
    }

    // Rule 5: no page and no new filter is beyond what is known.

    [Fact]
    public async Task A_filter_begins_above_what_was_examined_for_the_session_although_the_node_is_behind()
    {
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier]);
        await rig.PublishAsync("t");
        using var held = new Latch();
        applier.Before = _ => held.Wait();
        await SilentlyAsync(rig, new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var (session, sink, _) = await rig.ResumeAsAsync("alice", since: 0);
        var subscribed = session.TrySubscribe([DeliveryRig.Filter("t")], out var head, out _);
        held.Open();
        Assert.True(subscribed);
        Assert.Equal(3, head); // the reading's: the node has applied 1
        var mark = await rig.PublishAsync("t");
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "delivered");
        Assert.Equal([mark], sink.Versions);
    }

    // Rule 6: what ends stays in the index until its end was dispatched; closed intervals are there to be read back to.

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_published_in_the_unit_that_ends_it_still_comes(bool groupEnds)
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["alice"], []),
            new DirectoryChange.Subscribe("alice", ["orders"]));
        var (session, sink, result) = await rig.ResumeAsAsync("alice", since: null);
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "live");
        var epoch = rig.Position.View!.EpochId;
        await rig.AppendAsync(1, Ops);
        await SilentlyAsync(rig, groupEnds ? new DirectoryChange.DeleteGroup("ops") : new DirectoryChange.ChangeMembers("ops", [], ["alice"]));
        await rig.AppendAsync(1, "orders");
        await SilentlyAsync(rig, new DirectoryChange.Unsubscribe("alice", ["orders"]));
        rig.Tail.Committed(epoch, (await rig.Log.ReadAsync(result.Head, 100, 1_000_000, Stop)).Entries);
        await rig.PublishAsync(Ops);
        var mark = await rig.PublishAsync("$user/alice");

        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last one delivered");
        Assert.Equal([result.Head + 1, result.Head + 3, mark], sink.Versions);
    }

    [Fact]
    public async Task A_session_that_goes_live_between_applying_and_the_ring_gets_the_entry()
    {
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier]);
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var start = await rig.PublishAsync("t");
        await Eventually.TrueAsync(() => rig.Position.Dispatched == start, "dispatched");
        using var held = new Latch();
        applier.Before = _ => held.Wait();
        await rig.AppendAsync(1, Ops);
        await SilentlyAsync(rig, new DirectoryChange.ChangeMembers("ops", [], ["alice"]));
        rig.Position.View!.Pass(start + 2); // as just before the unit is put into the ring
        var (session, sink, _) = await rig.ResumeAsAsync("alice", since: start);
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "live where the ring ends");
        Assert.Equal(start, session.Cursor);
        held.Open();
        var mark = await rig.PublishAsync("$user/alice");
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last one delivered");
        Assert.Equal([start + 1, mark], sink.Versions);
    }

    [Fact]
    public async Task A_session_that_is_put_back_gets_what_was_published_while_a_closed_interval_held()
    {
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier]);
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var during = await rig.PublishAsync(Ops);
        await rig.ChangeAsync(new DirectoryChange.ChangeMembers("ops", [], ["alice"]));
        await rig.PublishAsync(Ops);
        var (session, sink, _) = await rig.ResumeAsAsync("alice", since: null);
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "live");

        // This node was misled from 'during' on: sessions that had passed it read it again.
        var view = rig.Position.View!;
        rig.Tail.Distrust(view, during);
        await Eventually.TrueAsync(() => !ReferenceEquals(rig.Position.View, view), "read anew");
        var mark = await rig.PublishAsync("$user/alice");
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last one delivered");
        Assert.Equal([during, mark], sink.Versions);
    }

    [Fact]
    public async Task An_ephemeral_one_comes_to_members_of_now_alone()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["alice", "bob"], []));
        var (_, alice, _) = await rig.ResumeAsAsync("alice", since: null);
        var (_, bob, _) = await rig.ResumeAsAsync("bob", since: null);
        var left = await rig.ChangeAsync(new DirectoryChange.ChangeMembers("ops", [], ["alice"]));
        await rig.Position.View!.WhenAppliedAsync(left); // in the index until the next change is applied
        var ephemeral = Entries.At(0, Ops);
        rig.Tail.Ephemeral(ephemeral);
        var mark = await rig.PublishAsync("$user/alice");
        await Eventually.TrueAsync(() => alice.Versions.Contains(mark) && bob.Received.Any(r => r.Target == "Notification"), "delivered");
        Assert.Equal([mark], alice.Versions);
    }

    // Rule 7: what is queued is selected again.

    [Fact]
    public async Task After_a_token_has_narrowed_nothing_comes_of_what_was_queued_for_a_durable_subscription()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.Position.View!.WhenAppliedAsync(await rig.ChangeAsync(new DirectoryChange.Subscribe("alice", ["orders"])));
        var (session, sink, _) =
            await rig.ResumeAsAsync("alice", since: null, access: new SessionAccess(_ => true, [Notify.Contracts.Topics.TopicFilter.Exact(Ops)]));
        await Eventually.TrueAsync(() => session.State == SessionState.Live && sink.Received.Count == 1, "live");
        sink.Stall();
        var written = await rig.PublishAsync("$user/alice");
        await Eventually.TrueAsync(() => sink.Asked == 2, "one is being written");
        await rig.PublishAsync("orders");
        await rig.PublishAsync(Ops);
        var mark = await rig.PublishAsync("$user/alice");
        await Eventually.TrueAsync(() => rig.Position.Dispatched == mark, "queued");
        session.Reauthenticate(new SessionAccess(_ => false, []));
        sink.Open();
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last one delivered");
        Assert.Equal([written, mark], sink.Versions);
        Assert.Equal(["orders"], session.Durable); // it sleeps
    }

    // Rule 8: checked, registered, checked again.

    [Fact]
    public async Task A_credential_that_was_revoked_while_its_connection_came_is_found_when_it_is_registered()
    {
        var late = new LateRevocations();
        await using var rig = await DeliveryRig.StartAsync([late], late.Of);
        using var live = LiveCallersOf(rig, late.Revocations);
        var (alice, bob) = (Callers.User("alice"), Callers.User("bob"));
        var (session, sink) = rig.Connect("bob");
        var connection = new LiveCaller(bob, session);
        Assert.True(live.TryAdd("b", connection));
        await rig.Position.View!.WhenAppliedAsync(await rig.ChangeAsync(new DirectoryChange.RevokeTokens("alice", null)));
        Assert.False(live.TryAdd("a", new LiveCaller(alice, rig.Connect("alice").Session)));
        Assert.True(live.TryReplace(connection, bob));
        await rig.Position.View.WhenAppliedAsync(await rig.ChangeAsync(new DirectoryChange.RevokeTokens("bob", null)));
        Assert.True(sink.Closed); // found where it was registered
        Assert.False(live.TryReplace(connection, bob));
    }

    [Fact]
    public async Task A_key_that_was_revoked_by_an_entry_this_node_never_had_closes_its_connections_when_the_log_was_read_anew()
    {
        var applier = new RecordingApplier();
        var late = new LateRevocations();
        await using var rig = await DeliveryRig.StartAsync([applier, late], late.Of);
        using var live = LiveCallersOf(rig, late.Revocations);
        await live.StartAsync(Stop);
        string[] ids = ["id1", "id2"];
        var sinks = new Dictionary<string, RecordingSink>(StringComparer.Ordinal);
        foreach (var id in ids)
        {
            await rig.Position.View!.WhenAppliedAsync(
                await rig.ChangeAsync(new DirectoryChange.CreateKey(new NewApiKey(id, "ops", new byte[32], ["#"], [], false, null))));
            var (session, sink) = rig.Connect();
            sinks[id] = sink;
            Assert.True(live.TryAdd(id, new LiveCaller(new Caller { Kind = CallerKind.Key, Credential = new Credential(id, null, null) }, session)));
        }

        Fail(applier);
        await SilentlyAsync(rig, new DirectoryChange.RevokeKey("id1"));
        await AnewAsync(rig, newEpoch: false);
        await Eventually.TrueAsync(() => sinks["id1"].Closed, "the revoked key's connection is closed");
        Assert.False(sinks["id2"].Closed);
        await live.StopAsync(Stop);
    }

    [Fact]
    public async Task A_node_that_has_not_read_the_log_for_long_takes_no_credential()
    {
        var late = new LateRevocations();
        await using var rig = await DeliveryRig.StartAsync([late], late.Of);
        Assert.Null(await StateOf(rig, late.Revocations, unreadableLimit: TimeSpan.FromDays(1)).MayAcceptAsync());
        var refusal = await StateOf(rig, late.Revocations, unreadableLimit: TimeSpan.Zero).MayAcceptAsync(); // however short ago it was
        Assert.Equal("storage_unavailable", refusal?.Code);
    }

    // Rule 9: a device's number is of one epoch of the log.

    [Fact]
    public async Task A_client_of_another_epoch_may_not_acknowledge_its_old_version_here()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.PublishAsync("t");
        var (session, sink) = rig.Connect("alice", "phone");
        var (result, _) = await rig.Get<Resumption>().ResumeAsync(
            session, new ResumeRequest { Since = 500, Epoch = Guid.NewGuid().ToString(), Topics = ["t"] }, SessionAccess.Everything, Stop);
        Assert.NotEqual(500, result!.Head);
        Assert.False(session.MayAcknowledge(500, out _)); // until it is told by the Gap, 500 is its own number
        session.Start();
        await Eventually.TrueAsync(() => sink.Versions.Contains(1), "from the oldest on");
        Assert.False(session.MayAcknowledge(500, out _));
        Assert.True(session.MayAcknowledge(1, out var epoch));
        Assert.Equal(rig.Position.View!.EpochId, epoch);
    }

    [Fact]
    public async Task A_client_from_a_node_that_is_in_the_new_epoch_already_waits_for_this_ones_tail()
    {
        var loading = new Hold();
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier]);
        var since = await rig.PublishAsync("$user/alice");
        await rig.Position.View!.WhenAppliedAsync(since);
        var before = rig.Position.View;
        applier.Snapshot = async view =>
        {
            await loading.PassAsync();
            return new LogHead(view.EpochId, view.Ring.End, view.Oldest);
        };
        var epoch = await rig.Log.BeginEpochAsync(Stop);
        await loading.Reached;
        var (session, sink) = rig.Connect("alice");
        var resuming = rig.Get<Resumption>()
            .ResumeAsync(session, new ResumeRequest { Since = since, Epoch = epoch.ToString() }, SessionAccess.Everything, Stop);
        Assert.Same(before, rig.Position.View);
        loading.Release();
        var (result, _) = await resuming;
        session.Start();
        var mark = await rig.PublishAsync("$user/alice");
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "delivered");
        Assert.Equal((epoch.ToString(), since), (result!.Epoch, result.Since));
        Assert.Empty(sink.Signals<Gap>());
        Assert.Equal([mark], sink.Versions);
    }

    [Fact]
    public async Task Only_members_are_told_that_a_group_ended()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var (_, alice, _) = await rig.ResumeAsAsync("alice", since: null);
        var (_, bob, _) = await rig.ResumeAsAsync("bob", since: null);
        await rig.ChangeAsync(new DirectoryChange.DeleteGroup("ops"));
        var mark = await rig.PublishAsync("$user/bob");
        await Eventually.TrueAsync(() => bob.Versions.Contains(mark) && alice.Signals<SubscriptionsChanged>().Any(told => told.Groups.Count == 0), "told");
        Assert.Empty(bob.Signals<SubscriptionsChanged>());
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static LiveCallers LiveCallersOf(DeliveryRig rig, Revocations revocations) => new(
        revocations, StateOf(rig, revocations, new NotifyOptions().Storage.UnreadableLimit), new CurrentAccessMode(), rig.Log,
        new AccessMetrics(rig.Get<IMeterFactory>()), TimeProvider.System, NullLogger<LiveCallers>.Instance);

    private static CredentialState StateOf(DeliveryRig rig, Revocations revocations, TimeSpan unreadableLimit)
    {
        var options = new NotifyOptions { Storage = { UnreadableLimit = unreadableLimit } };
        return new CredentialState(revocations, rig.Position, Options.Create(options), TimeProvider.System);
    }

    private static async Task SetAsync(DeliveryRig rig, string user, string patch) =>
        Assert.Null((await rig.Get<AttributeChanges>().PatchAsync(user, JsonElement.Parse(patch), AttributesPart.Others, Stop)).Refusal);

    private static Task ActiveAsync(DeliveryRig rig, string group) =>
        Eventually.TrueAsync(async () => await rig.Log.Directory.FindGroupAsync(group, Stop) is { Pending: false }, "the group is active");

    /// <summary>From now on no unit can be applied: the node has no entry of what comes until the log is read anew.</summary>
    private static void Fail(RecordingApplier applier) => applier.Before = _ => throw new StorageUnavailableException("Away, as told.");

    /// <summary>Changes people without a word to the tail.</summary>
    private static async Task SilentlyAsync(DeliveryRig rig, params DirectoryChange[] changes)
    {
        var result = await rig.Log.Directory.ChangeAsync(new ChangeBatch(Guid.NewGuid(), changes, new DirectoryLimits(1000, 1000)), Stop);
        Assert.All(result.Outcomes, outcome => Assert.Equal(ChangeStatus.Done, outcome.Status));
    }

    private static async Task AnewAsync(DeliveryRig rig, bool newEpoch)
    {
        var before = rig.Position.View!;
        if (newEpoch) await rig.Log.BeginEpochAsync(Stop);
        else rig.Tail.Distrust(before, (await rig.Log.ReadHeadAsync(Stop)).Head + 1);
        await Eventually.TrueAsync(() => !ReferenceEquals(rig.Position.View, before), "the log is read anew");
    }

    /// <summary>Revocations are made of the log, which the rig opens.</summary>
    private sealed class LateRevocations : ILogApplier
    {
        public Revocations Revocations { get; private set; } = null!;

        public INotificationLog Of(INotificationLog log)
        {
            Revocations = new Revocations(log);
            return log;
        }

        public ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken) => Revocations.LoadAsync(view, cancellationToken);

        public void Begin(LogView view) => Revocations.Begin(view);

        public ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken) => Revocations.ApplyAsync(unit, cancellationToken);
    }

    /// <summary>Notes, whenever everybody is to look again, whether the caller is revoked.</summary>
    private sealed class RecordingWatch(Revocations revocations, Caller caller) : ICredentialWatch
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<bool> _looks = [];

        public Caller Caller => caller;

        public IReadOnlyList<bool> Looks => [.. _looks];

        public void LookAgain() => _looks.Enqueue(revocations.HasRevoked(caller));

        public void TokensRevoked(string user)
        {
        }

        public void Disconnected(string user)
        {
        }

        public void KeyRevoked(string key)
        {
        }

        public void KeyStored()
        {
        }
    }
}
