using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Delivery;
using Notify.Tests.Fixtures;
using Notify.Tests.Tail;
using SubscriptionsChanged = Notify.Contracts.Hub.SubscriptionsChanged;

namespace Notify.Tests.People;

/// <summary>Who gets what by membership and durable subscription: in the interval of versions in which it held, and nothing else.</summary>
public sealed class PeopleDeliveryTests
{
    private const string Ops = "$group/ops";

    [Fact]
    public async Task A_member_gets_what_is_published_from_the_change_on_until_the_next_one()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"));
        var (_, sink, _) = await rig.ResumeAsAsync("alice", since: null);

        await rig.PublishAsync(Ops);
        await rig.ChangeAsync(new DirectoryChange.ChangeMembers("ops", ["alice", "bob"], []));
        var first = await rig.PublishAsync(Ops);
        var second = await rig.PublishAsync(Ops);
        await rig.ChangeAsync(new DirectoryChange.ChangeMembers("ops", [], ["alice"]));
        await rig.PublishAsync(Ops);
        var mark = await rig.PublishAsync("$user/alice");

        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last one delivered");
        Assert.Equal([first, second, mark], sink.Versions);
    }

    [Fact]
    public async Task A_user_that_was_away_gets_what_was_published_while_a_member_also_when_that_began_and_ended_meanwhile()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"));
        var since = await rig.PublishAsync(Ops);
        await rig.ChangeAsync(new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var first = await rig.PublishAsync(Ops);
        await rig.ChangeAsync(new DirectoryChange.ChangeMembers("ops", [], ["alice"]));
        await rig.PublishAsync(Ops);
        await rig.ChangeAsync(new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var second = await rig.PublishAsync(Ops);
        await rig.ChangeAsync(new DirectoryChange.DeleteGroup("ops"), new DirectoryChange.PutGroup("ops"));
        await rig.PublishAsync(Ops);

        var (session, sink, result) = await rig.ResumeAsAsync("alice", since);
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "live");

        Assert.Equal([first, second], sink.Versions);
        Assert.Empty(result.Groups!);
        Assert.Equal("alice", result.User);
    }

    [Fact]
    public async Task A_group_made_again_under_the_name_has_no_members()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var (_, sink, result) = await rig.ResumeAsAsync("alice", since: null);
        Assert.Equal(["ops"], result.Groups);

        var first = await rig.PublishAsync(Ops);
        await rig.ChangeAsync(new DirectoryChange.DeleteGroup("ops"));
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"));
        await rig.PublishAsync(Ops);
        var mark = await rig.PublishAsync("$user/alice");

        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last one delivered");
        Assert.Equal([first, mark], sink.Versions);
    }

    [Fact]
    public async Task A_durable_subscription_holds_on_every_connection_while_the_token_covers_it()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.PublishAsync("orders/1");
        var (_, laptop, _) = await rig.ResumeAsAsync("alice", since: null);
        var (_, narrow, _) = await rig.ResumeAsAsync("alice", since: null, access: new SessionAccess(filter => filter.Text == "stock", []));
        await rig.ChangeAsync(new DirectoryChange.Subscribe("alice", ["orders/#", "stock"]));
        var order = await rig.PublishAsync("orders/2");
        var stock = await rig.PublishAsync("stock");
        await rig.ChangeAsync(new DirectoryChange.Unsubscribe("alice", ["orders/#"]));
        await rig.PublishAsync("orders/3");
        var mark = await rig.PublishAsync("$user/alice");

        await Eventually.TrueAsync(() => laptop.Versions.Contains(mark) && narrow.Versions.Contains(mark), "the last one delivered to both");
        Assert.Equal([order, stock, mark], laptop.Versions);
        Assert.Equal([stock, mark], narrow.Versions);
    }

    [Fact]
    public async Task What_is_both_named_and_durable_and_of_a_group_comes_once()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.Subscribe("alice", ["a/#", "a/b"]));
        var (_, sink, _) = await rig.ResumeAsAsync("alice", since: 0, topics: ["a/+", "#"]);
        var last = await rig.PublishAsync("a/b", count: 3);

        await Eventually.TrueAsync(() => sink.Versions.Contains(last), "the last one delivered");
        Assert.Equal([last - 2, last - 1, last], sink.Versions);
    }

    [Fact]
    public async Task Every_connection_of_the_user_hears_what_it_follows_now()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"));
        var (_, laptop, _) = await rig.ResumeAsAsync("alice", since: null);
        var (_, phone, _) = await rig.ResumeAsAsync("alice", since: null);
        var (_, bob, _) = await rig.ResumeAsAsync("bob", since: null);
        await rig.ChangeAsync(new DirectoryChange.JoinGroups("alice", ["ops"]), new DirectoryChange.Subscribe("alice", ["orders/#"]));

        foreach (var sink in (RecordingSink[])[laptop, phone])
        {
            await Eventually.TrueAsync(
                () => sink.Signals<SubscriptionsChanged>().LastOrDefault() is { } last && last.Groups.SequenceEqual(["ops"])
                    && last.Topics.SequenceEqual(["orders/#"]),
                "told of both");
        }

        Assert.Empty(bob.Signals<SubscriptionsChanged>());
    }

    [Fact]
    public async Task A_device_goes_on_from_what_it_has_acknowledged_and_filters_that_it_names_begin_now()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var (session, sink, _) = await rig.ResumeAsAsync("alice", since: null, device: "phone");
        var seen = await rig.PublishAsync(Ops);
        await Eventually.TrueAsync(() => sink.Versions.Contains(seen), "delivered");
        Assert.False(session.MayAcknowledge(seen + 1, out _));
        Assert.True(session.MayAcknowledge(seen, out var epoch));
        rig.Get<Notify.Engine.Directory.Acknowledgements>().Add(new Acknowledgement(session.UserNumber, "phone", epoch, seen));
        rig.Sessions.Remove("c1");

        var missed = await rig.PublishAsync(Ops);
        await rig.PublishAsync("named");
        await Eventually.TrueAsync(
            async () => (await rig.Log.Directory.ListDevicesAsync("alice", null, 10, CancellationToken.None)).Any(device => device.Version == seen),
            "stored at the end of the connection");

        var (_, again, result) = await rig.ResumeAsAsync("alice", since: null, device: "phone", topics: ["named"]);
        var named = await rig.PublishAsync("named");
        await Eventually.TrueAsync(() => again.Versions.Contains(named), "live");
        Assert.Equal(seen, result.Since);
        Assert.Equal([missed, named], again.Versions);
    }

    [Fact]
    public async Task A_token_group_is_followed_without_being_a_member_and_a_new_one_begins_now()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (session, sink, result) = await rig.ResumeAsAsync("alice", since: 0, access: new SessionAccess(_ => true, [TopicFilter.Exact(Ops)]));
        var first = await rig.PublishAsync(Ops);
        await rig.PublishAsync("$group/dev");
        await Eventually.TrueAsync(() => sink.Versions.Contains(first), "delivered");

        session.Reauthenticate(new SessionAccess(_ => true, [TopicFilter.Exact("$group/dev")]));
        await rig.PublishAsync(Ops);
        var second = await rig.PublishAsync("$group/dev");

        await Eventually.TrueAsync(() => sink.Versions.Contains(second), "delivered");
        Assert.Equal([first, second], sink.Versions);
        Assert.Equal(["ops"], result.TokenGroups);
        Assert.Empty(result.Topics);
    }

    [Fact]
    public async Task A_page_ends_where_the_user_is_known_although_the_log_goes_on()
    {
        SteeredLog log = null!;
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier], inner => log = new SteeredLog(inner));
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var first = await rig.PublishAsync(Ops);
        await Eventually.TrueAsync(() => rig.Position.Dispatched == first, "dispatched");

        // None of it is in the ring, as after a long time; and what comes now is stored before it is applied here.
        rig.Position.View = new LogView(new LogHead(rig.Position.View!.EpochId, first, 1), new Ring(first, 100, 1_000_000));
        using var applied = new Latch();
        applier.Before = _ => applied.Wait();
        var (asked, stored) = (new TaskCompletionSource(), new TaskCompletionSource());
        log.BeforeRows = after =>
        {
            if (after != 0) return Task.CompletedTask;
            asked.TrySetResult();
            return stored.Task;
        };
        var (session, sink, _) = await rig.ResumeAsAsync("alice", since: 0);
        await asked.Task.WaitAsync(TestContext.Current.CancellationToken);
        await rig.ChangeAsync(new DirectoryChange.ChangeMembers("ops", [], ["alice"]));
        await rig.PublishAsync(Ops);
        var mark = await rig.PublishAsync("$user/alice");
        stored.SetResult();
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "caught up with the node");
        var reached = session.Cursor;
        applied.Open();

        Assert.Equal(first, reached);
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last one delivered");
        Assert.Equal([first, mark], sink.Versions);
    }

    [Fact]
    public async Task What_has_ended_is_in_the_index_no_longer()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["alice"], []));
        var (session, sink, _) = await rig.ResumeAsAsync("alice", since: null);
        await rig.ChangeAsync(new DirectoryChange.Subscribe("alice", ["orders"]));
        var first = await rig.PublishAsync("orders");
        await Eventually.TrueAsync(() => sink.Versions.Contains(first), "delivered");
        Assert.Equal([session, session], Followers(Ops).Concat(Followers("orders")));

        await rig.ChangeAsync(new DirectoryChange.ChangeMembers("ops", [], ["alice"]), new DirectoryChange.Unsubscribe("alice", ["orders"]));
        var mark = await rig.PublishAsync("$user/alice");
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "delivered");
        Assert.Empty(Followers(Ops).Concat(Followers("orders")));
        Assert.Equal([session], Followers("$user/alice"));

        List<Subscriber> Followers(string topic)
        {
            var found = new List<Subscriber>();
            rig.Get<Router>().Match(topic, [], found, static (holders, found) =>
            {
                foreach (var holder in holders) found.Add(holder.Session);
            });
            return found;
        }
    }
}
