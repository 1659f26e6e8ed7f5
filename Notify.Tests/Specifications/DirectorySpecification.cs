using System.Text;
using System.Text.Json.Nodes;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Tests.Specifications;

/// <summary>What every directory does, whatever it is kept in. Each store inherits it.</summary>
public abstract class DirectorySpecification : IAsyncLifetime
{
    protected static readonly DirectoryLimits Limits = new(GroupsPerUser: 3, SubscriptionsPerUser: 3);

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected INotificationLog Log { get; private set; } = null!;

    protected IDirectory People => Log.Directory;

    protected abstract Task<INotificationLog> OpenAsync();

    /// <summary>Makes the entries up to this version older.</summary>
    protected abstract Task AgeAsync(long through, TimeSpan by);

    public virtual async ValueTask InitializeAsync() => Log = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_membership_holds_above_the_entry_that_began_it_and_up_to_the_one_that_ended_it()
    {
        await Change(Put("ops"));
        await PublishAsync("a");
        var joined = Assert.Single((await Change(Join("alice", "ops"))).Outcomes);
        await PublishAsync("a");
        var left = Assert.Single((await Change(Leave("alice", "ops"))).Outcomes);
        var again = Assert.Single((await Change(Join("alice", "ops"))).Outcomes);
        Assert.Equal((3L, 5L, 6L), (joined.Version, left.Version, again.Version));

        var reading = await ReadAsync("alice");
        Assert.Equal([new Interval(3, 5), new Interval(6)], Held(reading, "ops"));
        Assert.Equal(1, (await People.FindGroupAsync("ops", Stop))!.Members);
        Assert.Equal(["ops"], await People.ListGroupsOfAsync("alice", null, 10, Stop));
    }

    [Fact]
    public async Task A_changes_entry_is_in_the_log_names_numbers_and_is_what_was_handed_over()
    {
        await Change(Put("ops"));
        var result = await Change(Members("ops", ["alice", "bob"], []), Subscribe("alice", "orders/#"));
        var alice = (await ReadAsync("alice")).Users[0].Number;
        var bob = (await ReadAsync("bob")).Users[0].Number;
        var group = (await People.FindGroupAsync("ops", Stop))!.Number;

        var page = await Log.ReadAsync(1, 10, 100_000, Stop);
        Assert.Equal(result.Stored.Select(entry => (entry.Version, entry.Id, entry.Kind)), page.Entries.Select(entry => (entry.Version, entry.Id, entry.Kind)));
        Assert.Equal(result.Stored.Select(entry => entry.Content.ToArray()), page.Entries.Select(entry => entry.Content.ToArray()));
        Assert.Equal(result.Stored.Select(entry => (entry.PublishedAt, entry.Topic, entry.TopicSeq)),
            page.Entries.Select(entry => (entry.PublishedAt, entry.Topic, entry.TopicSeq)));

        var members = Assert.IsType<MembersChanged>(DirectoryEntry.Parse(page.Entries[0]));
        var change = Assert.Single(members.Groups);
        Assert.Equal((2L, group), (members.Version, change.Group));
        Assert.Equal([alice, bob], change.Joined.Order());
        Assert.Empty(change.Left);
        var subscriptions = Assert.IsType<SubscriptionsChanged>(DirectoryEntry.Parse(page.Entries[1]));
        Assert.Equal((3L, alice, "orders/#"), (subscriptions.Version, subscriptions.User, Assert.Single(subscriptions.Added)));
        Assert.DoesNotContain("alice", Encoding.UTF8.GetString([.. page.Entries.SelectMany(entry => entry.Content.ToArray())]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_changes_nothing_takes_no_version()
    {
        await Change(Put("ops"), Join("alice", "ops"), Subscribe("alice", "a"));
        var head = (await Log.ReadHeadAsync(Stop)).Head;
        var result = await Change(
            Put("ops"), Join("alice", "ops"), Members("ops", ["alice"], ["bob"]), Subscribe("alice", "a"), Unsubscribe("alice", "b"),
            Leave("carol", "ops"), new DirectoryChange.Disconnect("nobody"));
        Assert.All(result.Outcomes, outcome => Assert.Equal((ChangeStatus.Done, 0L), (outcome.Status, outcome.Version)));
        Assert.Empty(result.Stored);
        Assert.Equal((head, head), (result.Head, (await Log.ReadHeadAsync(Stop)).Head));

        // Beside one that changes something, the versions still have no hole.
        var mixed = await Change(Put("ops"), Join("bob", "ops"), Subscribe("alice", "a"), Leave("alice", "ops"));
        Assert.Equal([0L, head + 1, 0L, head + 2], mixed.Outcomes.Select(outcome => outcome.Version));
    }

    [Fact]
    public async Task The_same_batch_again_changes_nothing_and_has_the_same_answers()
    {
        await Change(Put("ops"), Join("carol", "ops"));
        var batch = Batch(Members("ops", ["alice", "bob"], ["carol"]), Put("dev"), Join("x", "none"), Join("alice", "ops"));
        var first = await People.ChangeAsync(batch, Stop);
        await Change(Members("ops", ["carol"], ["alice", "bob"]), new DirectoryChange.DeleteGroup("dev"), Put("none"));
        var head = (await Log.ReadHeadAsync(Stop)).Head;

        var again = await People.ChangeAsync(batch, Stop);
        Assert.Equal(first.Outcomes, again.Outcomes);
        Assert.Equal(first.Stored.Select(entry => (entry.Version, entry.Id, entry.Kind)), again.Stored.Select(entry => (entry.Version, entry.Id, entry.Kind)));
        Assert.Equal(head, (await Log.ReadHeadAsync(Stop)).Head);
        Assert.Equal(
            [(ChangeStatus.Done, 2, 1, 2L), (ChangeStatus.Done, 0, 0, 0L), (ChangeStatus.UnknownGroup, 0, 0, 0L), (ChangeStatus.Done, 0, 0, 0L)],
            first.Outcomes.Select(outcome => (outcome.Status, outcome.Added, outcome.Removed, outcome.Members)));
        Assert.True(first.Outcomes[1].Created);
    }

    [Fact]
    public async Task A_group_made_again_under_its_name_has_no_members_and_what_was_published_to_the_old_one_stays_its()
    {
        await Change(Put("ops"), Members("ops", ["alice", "bob"], []));
        var deleted = (await Change(new DirectoryChange.DeleteGroup("ops"))).Outcomes[0].Version;
        Assert.Null(await People.FindGroupAsync("ops", Stop));
        Assert.Empty(await People.ListGroupsOfAsync("alice", null, 10, Stop));
        Assert.Equal(ChangeStatus.UnknownGroup, (await Change(Join("alice", "ops"))).Outcomes[0].Status);

        Assert.True((await Change(Put("ops"))).Outcomes[0].Created);
        var group = (await People.FindGroupAsync("ops", Stop))!;
        Assert.Equal(0, group.Members);
        Assert.Empty((await People.ListMembersAsync(group.Number, 0, 10, Stop)).Items);
        var rejoined = (await Change(Join("alice", "ops"))).Outcomes[0].Version;
        Assert.Equal([new Interval(2, deleted), new Interval(rejoined)], Held(await ReadAsync("alice"), "ops"));
        Assert.Equal([new Interval(2, deleted)], Held(await ReadAsync("bob"), "ops"));

        // The upkeep closes what the deletion left open: nothing that is read becomes another.
        await Log.SweepAsync(TimeSpan.FromDays(1), Stop);
        Assert.Equal([new Interval(2, deleted), new Interval(rejoined)], Held(await ReadAsync("alice"), "ops"));
        Assert.Equal([new Interval(2, deleted)], Held(await ReadAsync("bob"), "ops"));
        Assert.Equal(["alice"], (await People.ListMembersAsync(group.Number, 0, 10, Stop)).Items.Select(user => user.Name));
    }

    [Fact]
    public async Task Changes_of_one_batch_see_each_other_and_intervals_begun_and_ended_in_it_are_kept()
    {
        var result = await Change(
            Put("ops"), Join("alice", "ops"), Leave("alice", "ops"), Join("alice", "ops"), new DirectoryChange.DeleteGroup("ops"), Put("ops"),
            Join("alice", "ops"), Subscribe("alice", "a"), Unsubscribe("alice", "a"), Subscribe("alice", "a"));
        Assert.Equal(Enumerable.Range(1, 10).Select(i => (long)i), result.Outcomes.Select(outcome => outcome.Version));
        var reading = await ReadAsync("alice");
        Assert.Equal([new Interval(2, 3), new Interval(4, 5), new Interval(7)], Held(reading, "ops"));
        Assert.Equal([new Interval(8, 9), new Interval(10)], reading.Users[0].Subscriptions.Select(held => held.Held).OrderBy(held => held.Since));
        Assert.Equal(1, (await People.FindGroupAsync("ops", Stop))!.Members);
    }

    [Fact]
    public async Task Joining_several_groups_is_all_or_nothing_and_one_version()
    {
        await Change(Put("a"), Put("b"), Put("ruled", "@.x == 1"));
        Assert.Equal((ChangeStatus.UnknownGroup, "c"), Refusal(await Change(Join("alice", "a", "c"))));
        Assert.Equal((ChangeStatus.DynamicGroup, "ruled"), Refusal(await Change(Join("alice", "a", "ruled"))));
        Assert.Empty(await People.ListGroupsOfAsync("alice", null, 10, Stop));

        var joined = Assert.Single((await Change(Join("alice", "a", "b"))).Stored);
        var entry = Assert.IsType<MembersChanged>(DirectoryEntry.Parse(joined));
        Assert.Equal(2, entry.Groups.Count);
        Assert.Equal(["a", "b"], await People.ListGroupsOfAsync("alice", null, 10, Stop));
        Assert.Equal(["b"], await People.ListGroupsOfAsync("alice", "a", 10, Stop));
        Assert.Single((await Change(Leave("alice", "b", "a"))).Stored);
        Assert.Empty(await People.ListGroupsOfAsync("alice", null, 10, Stop));
    }

    [Fact]
    public async Task Nobody_is_in_more_groups_or_has_more_subscriptions_than_the_limit()
    {
        await Change(Put("a"), Put("b"), Put("c"), Put("d"), Join("alice", "a", "b", "c"));
        Assert.Equal((ChangeStatus.TooManyGroups, "alice"), Refusal(await Change(Join("alice", "d"))));
        Assert.Equal((ChangeStatus.TooManyGroups, "alice"), Refusal(await Change(Members("d", ["bob", "alice"], []))));
        Assert.Equal(0, (await People.FindGroupAsync("d", Stop))!.Members);
        Assert.Equal(ChangeStatus.Done, (await Change(Join("alice", "a", "b"))).Outcomes[0].Status);

        // A group that has ended no longer counts, although its memberships are still open.
        await Change(new DirectoryChange.DeleteGroup("a"));
        Assert.Equal(ChangeStatus.Done, (await Change(Join("alice", "d"))).Outcomes[0].Status);

        await Change(Subscribe("alice", "a", "b"));
        Assert.Equal((ChangeStatus.TooManySubscriptions, "alice"), Refusal(await Change(Subscribe("alice", "c", "d"))));
        Assert.Equal(["a", "b"], await People.ListSubscriptionsAsync("alice", null, 10, Stop));
        Assert.Equal(1, (await Change(Subscribe("alice", "b", "c"))).Outcomes[0].Added);
    }

    [Fact]
    public async Task From_static_to_dynamic_and_back_the_membership_begins_anew()
    {
        await Change(Put("g"), Join("alice", "g"));
        var replaced = Assert.Single((await Change(Put("g", "@.x == 1"))).Stored);
        var change = Assert.IsType<GroupChanged>(DirectoryEntry.Parse(replaced));
        Assert.Equal((GroupChange.Replaced, 1L, replaced.Version), (change.Change, change.Replaced, change.Group));
        var group = (await People.FindGroupAsync("g", Stop))!;
        Assert.Equal(("@.x == 1", true, 0L), (group.Rule, group.Pending, group.Members));
        Assert.Equal([new Interval(2, 3)], Held(await ReadAsync("alice"), "g"));
        Assert.Equal((ChangeStatus.DynamicGroup, "g"), Refusal(await Change(Members("g", ["alice"], []))));

        Assert.Equal(GroupChange.RuleChanged, Assert.IsType<GroupChanged>(DirectoryEntry.Parse((await Change(Put("g", "@.x == 2"))).Stored[0])).Change);
        Assert.Empty((await Change(Put("g", "@.x == 2"))).Stored);
        await Change(Put("g"));
        Assert.Equal((null, false), ((await People.FindGroupAsync("g", Stop))!.Rule, (await People.FindGroupAsync("g", Stop))!.Pending));
        Assert.Empty(await People.ListGroupsOfAsync("alice", null, 10, Stop));
    }

    [Fact]
    public async Task When_users_were_members_of_a_generation_is_read_with_the_head()
    {
        await Change(Put("g"), Members("g", ["alice", "bob"], []), Put("other"), Members("other", ["carol"], []));
        await Change(Leave("alice", "g"));
        await Change(Join("alice", "g"), Join("carol", "g"));
        var (old, numbers) = ((await People.FindGroupAsync("g", Stop))!.Number, new Dictionary<string, long>());
        foreach (var name in new[] { "alice", "bob", "carol", "dave" }) numbers[name] = (await ReadAsync(name)).Users[0].Number;
        await Change(new DirectoryChange.DeleteGroup("g"), Put("g"), Members("g", ["bob"], []));
        var (head, held) = await People.ReadHeldAsync(old, numbers.Values, Stop);
        Assert.Equal(10, head.Head);
        Assert.Equal(
            [("alice", new Interval(2, 5)), ("alice", new Interval(6, 8)), ("bob", new Interval(2, 8)), ("carol", new Interval(7, 8))],
            held.Select(one => (numbers.Single(pair => pair.Value == one.User).Key, one.Held)).OrderBy(one => one.Key, StringComparer.Ordinal)
                .ThenBy(one => one.Held.Since));
        var (_, now) = await People.ReadHeldAsync((await People.FindGroupAsync("g", Stop))!.Number, numbers.Values, Stop);
        Assert.Equal(new HeldBy(numbers["bob"], new Interval(10)), Assert.Single(now));

        // What is filled in beforehand holds from the activation on; until then nobody is a member.
        await Change(Put("ruled", "@.x == 1"));
        Assert.Empty((await People.ReadHeldAsync((await People.FindGroupAsync("ruled", Stop))!.Number, numbers.Values, Stop)).Held);
    }

    [Fact]
    public async Task A_reading_has_many_users_at_once_each_with_what_is_theirs_and_gives_numbers()
    {
        await Change(Put("a"), Put("b"), Join("alice", "a", "b"), Join("bob", "b"), Subscribe("bob", "x/#"));
        var head = await Log.ReadHeadAsync(Stop);
        var alice = (await ReadAsync("alice")).Users[0].Number;
        await People.AcknowledgeAsync([new(alice, "phone", head.Epoch, 4)], Stop);

        var reading =
            await People.ReadPeopleAsync([new("carol", "phone"), new("bob", null), new("alice", "phone"), new("alice", "tablet"), new("carol", null)], Stop);
        Assert.Equal((head.Epoch, head.Head, head.Oldest), (reading.Head.Epoch, reading.Head.Head, reading.Head.Oldest));
        Assert.Equal(["carol", "bob", "alice", "alice", "carol"], reading.Users.Select(user => user.Name));
        Assert.Equal(["", "b", "a b", "a b", ""],
            reading.Users.Select(user => string.Join(' ', user.Groups.Select(group => group.Name).Order(StringComparer.Ordinal))));
        Assert.Equal(["", "x/#", "", "", ""], reading.Users.Select(user => string.Join(' ', user.Subscriptions.Select(held => held.Filter))));
        Assert.Equal([null, null, 4L, null, null], reading.Users.Select(user => user.Acknowledged));
        Assert.Equal(reading.Users[0].Number, reading.Users[4].Number);
        Assert.Equal(3, reading.Users.Select(user => user.Number).Distinct().Count());
        Assert.Equal("carol", Assert.Single(await People.FindUsersAsync([reading.Users[0].Number], Stop)).Name);
        Assert.Equal(reading.Users[0].Number, Assert.Single(await People.FindUsersAsync(["carol", "Carol"], Stop)).Number);
    }

    [Fact]
    public async Task What_ended_below_the_oldest_version_kept_is_not_read()
    {
        await Change(Put("a"), Join("alice", "a"), Subscribe("alice", "x"));
        await Change(Leave("alice", "a"), Unsubscribe("alice", "x"));
        await Change(Join("alice", "a"), Subscribe("alice", "x"));
        Assert.Equal([new Interval(2, 4), new Interval(6)], Held(await ReadAsync("alice"), "a"));
        await AgeAsync(5, TimeSpan.FromDays(2));
        Assert.Equal(6, (await Log.SweepAsync(TimeSpan.FromDays(1), Stop)).Oldest);
        var reading = await ReadAsync("alice");
        Assert.Equal([new Interval(6)], Held(reading, "a"));
        Assert.Equal([new Interval(7)], reading.Users[0].Subscriptions.Select(held => held.Held));
    }

    [Fact]
    public async Task The_head_carries_the_last_internal_entry_through_appends_of_any_kind()
    {
        Assert.Equal(0, (await Log.ReadHeadAsync(Stop)).LastChange);
        await PublishAsync("a");
        Assert.Equal(0, (await Log.ReadHeadAsync(Stop)).LastChange);
        await Change(Put("g"), Put("h"));
        Assert.Equal(3, (await Log.ReadHeadAsync(Stop)).LastChange);
        await PublishAsync("a");
        await PublishAsync("b");
        Assert.Equal(3, (await Log.ReadHeadAsync(Stop)).LastChange);
        var mixed = new AppendBatch(Guid.NewGuid(), [Entry("a"), Entry("x") with { Kind = EntryKind.InboxMarked }, Entry("a")]);
        await Log.AppendAsync(mixed, Stop);
        Assert.Equal((8L, 7L), ((await Log.ReadHeadAsync(Stop)).Head, (await ReadAsync("alice")).Head.LastChange));
        Assert.Equal(7, (await Log.ReadAsync(0, 100, 100_000, Stop)).Head.LastChange);

        // A topic's sequence is dense across all of them.
        Assert.Equal(
            [1L, 2, 3, 4], (await Log.ReadAsync(0, 100, 100_000, Stop)).Entries.Where(entry => entry.Kind == EntryKind.Notification && entry.Topic == "a")
                .Select(entry => entry.TopicSeq));
    }

    [Fact]
    public async Task A_devices_version_goes_forward_only_and_belongs_to_one_epoch()
    {
        await PublishAsync("a");
        var head = await Log.ReadHeadAsync(Stop);
        var alice = (await ReadAsync("alice")).Users[0].Number;
        await People.AcknowledgeAsync([new(alice, "d", head.Epoch, 7), new(alice, "d", head.Epoch, 5), new(alice, "e", head.Epoch, 1)], Stop);
        await People.AcknowledgeAsync([new(alice, "d", head.Epoch, 6), new(alice, "f", Guid.NewGuid(), 9)], Stop);
        Assert.Equal([("d", 7L), ("e", 1)], (await People.ListDevicesAsync("alice", null, 10, Stop)).Select(device => (device.Device, device.Version)));

        var next = await Log.BeginEpochAsync(Stop);
        Assert.Null((await People.ReadPeopleAsync([new("alice", "d")], Stop)).Users[0].Acknowledged);
        await People.AcknowledgeAsync([new(alice, "d", head.Epoch, 8)], Stop);
        Assert.Null((await People.ReadPeopleAsync([new("alice", "d")], Stop)).Users[0].Acknowledged);
        await People.AcknowledgeAsync([new(alice, "d", next, 2)], Stop);
        Assert.Equal(2, (await People.ReadPeopleAsync([new("alice", "d")], Stop)).Users[0].Acknowledged);

        await People.ForgetDeviceAsync("alice", "d", Stop);
        await People.ForgetDeviceAsync("alice", "d", Stop);
        Assert.Equal("e", Assert.Single(await People.ListDevicesAsync("alice", null, 10, Stop)).Device);
    }

    [Fact]
    public async Task The_least_recently_seen_devices_beyond_a_hundred_are_forgotten()
    {
        var head = await Log.ReadHeadAsync(Stop);
        var alice = (await ReadAsync("alice")).Users[0].Number;
        await People.AcknowledgeAsync([new(alice, "old", head.Epoch, 1), new(alice, "back", head.Epoch, 1)], Stop);
        await People.AcknowledgeAsync([.. Enumerable.Range(0, 98).Select(i => new Acknowledgement(alice, $"d{i:00}", head.Epoch, 1))], Stop);
        await Eventually(async () => (await People.ListDevicesAsync("alice", "d99", 1, Stop))[0].SeenAt < Now());
        await People.AcknowledgeAsync([new(alice, "back", head.Epoch, 1), new(alice, "new", head.Epoch, 1)], Stop);
        var devices = (await People.ListDevicesAsync("alice", null, 1000, Stop)).Select(device => device.Device).ToList();
        Assert.Equal(100, devices.Count);
        Assert.DoesNotContain("old", devices);
        Assert.Contains("back", devices);
        Assert.Contains("new", devices);
    }

    [Fact]
    public async Task Lists_are_in_ordinal_order_and_their_pages_meet()
    {
        await Change(Put("b"), Put("a"), Put("ab"), Put("B"), Put("é"), Put("z"), new DirectoryChange.DeleteGroup("z"));
        Assert.Equal(["B", "a", "ab", "b", "é"], (await People.ListGroupsAsync("", null, 10, Stop)).Select(group => group.Name));
        Assert.Equal(["ab", "b"], (await People.ListGroupsAsync("", "a", 2, Stop)).Select(group => group.Name));
        Assert.Equal(["a", "ab"], (await People.ListGroupsAsync("a", null, 10, Stop)).Select(group => group.Name));

        await Change(Members("a", [.. Enumerable.Range(0, 25).Select(i => $"u{i}")], []));
        await Change(Members("a", [], ["u7"]));
        var group = (await People.FindGroupAsync("a", Stop))!;
        var names = new List<string>();
        long? after = 0;
        while (after is { } from)
        {
            var page = await People.ListMembersAsync(group.Number, from, 10, Stop);
            names.AddRange(page.Items.Select(user => user.Name));
            after = page.Next;
        }

        Assert.Equal(24, names.Count);
        Assert.Equal(24, names.Distinct().Count());
        Assert.Equal(24, group.Members);

        var all = (await People.ReadPeopleAsync([new("u7", null), new("u8", null), new("stranger", null)], Stop)).Users.Select(user => user.Number).ToArray();
        var (head, found) = await People.FindMembersAsync(group.Number, all, Stop);
        Assert.Equal([all[1]], found);
        Assert.Equal((await Log.ReadHeadAsync(Stop)).Head, head.Head);
        await Change(new DirectoryChange.DeleteGroup("a"));
        Assert.Empty((await People.FindMembersAsync(group.Number, all, Stop)).Users);
        Assert.Empty((await People.ListMembersAsync(group.Number, 0, 10, Stop)).Items);
        Assert.False(Assert.Single(await People.FindGroupsAsync([group.Number, 12345], Stop)).Held.IsOpen);
    }

    [Fact]
    public async Task Keys_are_found_by_id_listed_in_order_and_gone_once_revoked()
    {
        Assert.False(await People.WereKeysStoredAsync(Stop));
        var expires = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var key = new NewApiKey("id1", "ops", Enumerable.Range(0, 32).Select(i => (byte)i).ToArray(), ["a/#", "$group/+"], [], true, expires);
        var created =
            await Change(new DirectoryChange.CreateKey(key), new DirectoryChange.CreateKey(key),
            new DirectoryChange.CreateKey(key with { Id = "id0", ExpiresAt = null, Admin = false }));
        Assert.Equal([ChangeStatus.Done, ChangeStatus.Exists, ChangeStatus.Done], created.Outcomes.Select(outcome => outcome.Status));
        Assert.Equal(new KeysChanged("id1", false) { Version = 1 }, DirectoryEntry.Parse(created.Stored[0]));

        var found = (await People.FindKeyAsync("id1", Stop))!;
        Assert.Equal((1L, "ops", true, expires), (found.Number, found.Key.Name, found.Key.Admin, found.Key.ExpiresAt));
        Assert.Equal(key.Hash.ToArray(), found.Key.Hash.ToArray());
        Assert.Equal(key.Publish, found.Key.Publish);
        Assert.Equal(created.Stored[0].PublishedAt, found.CreatedAt);
        Assert.Equal(["id1", "id0"], (await People.ListKeysAsync(0, 10, Stop)).Items.Select(listed => listed.Key.Id));
        Assert.Equal("id0", Assert.Single((await People.ListKeysAsync(1, 10, Stop)).Items).Key.Id);

        await People.UseKeysAsync(new Dictionary<string, DateTimeOffset> { ["id1"] = expires, ["other"] = expires }, Stop);
        await People.UseKeysAsync(new Dictionary<string, DateTimeOffset> { ["id1"] = expires.AddHours(-1) }, Stop);
        Assert.Equal(expires, (await People.FindKeyAsync("id1", Stop))!.LastUsedAt);

        var revoked = await Change(new DirectoryChange.RevokeKey("id1"), new DirectoryChange.RevokeKey("id1"));
        Assert.Equal([ChangeStatus.Done, ChangeStatus.UnknownKey], revoked.Outcomes.Select(outcome => outcome.Status));
        Assert.Equal(new KeysChanged("id1", true) { Version = 3 }, DirectoryEntry.Parse(Assert.Single(revoked.Stored)));
        Assert.Null(await People.FindKeyAsync("id1", Stop));
        await Change(new DirectoryChange.RevokeKey("id0"));
        Assert.True(await People.WereKeysStoredAsync(Stop));
    }

    [Fact]
    public async Task The_last_revocation_of_tokens_wins_also_with_an_earlier_moment()
    {
        var late = new DateTimeOffset(2030, 1, 1, 0, 0, 0, 700, TimeSpan.Zero);
        await Change(new DirectoryChange.RevokeTokens("alice", late), new DirectoryChange.RevokeTokens("bob", late.AddHours(1)));
        var result = await Change(new DirectoryChange.RevokeTokens("alice", late.AddHours(-1)));
        var alice = (await People.FindRevocationAsync("alice", Stop))!;
        Assert.Equal((3L, "alice", late.AddHours(-1).AddMilliseconds(-700)), (alice.Version, alice.Name, alice.IssuedBefore));
        Assert.Equal(new TokensRevoked(alice.User, alice.IssuedBefore) { Version = 3 }, DirectoryEntry.Parse(result.Stored[0]));

        var (head, page) = await People.ListRevocationsAsync(0, 1, Stop);
        Assert.Equal((3L, 1), (head.Head, page.Items.Count));
        var (_, rest) = await People.ListRevocationsAsync(page.Next!.Value, 10, Stop);
        Assert.Equal(["alice", "bob"], page.Items.Concat(rest.Items).Select(revocation => revocation.Name).Order());
        Assert.Null(rest.Next);

        var now = await Change(new DirectoryChange.RevokeTokens("carol", null));
        var carol = (await People.FindRevocationAsync("carol", Stop))!;
        Assert.Equal(now.Stored[0].PublishedAt.ToUnixTimeSeconds(), carol.IssuedBefore.ToUnixTimeSeconds());
        Assert.Null(await People.FindRevocationAsync("nobody", Stop));
    }

    [Fact]
    public async Task Attributes_come_back_and_are_stored_only_as_they_were_read_and_under_the_same_rules()
    {
        var read = await People.ReadAttributesAsync(["alice", "bob"], Stop);
        Assert.All(read.Users, user => Assert.Null(user.Json));
        const string json = """{"dept":"sales","n":0.1,"big":123456789012345678901234.5678,"self":{"t":30}}""";
        Assert.Equal([read.Users[0].User],
            await People.StoreAttributesAsync(read.RulesRevision, [new(read.Users[0].User, read.Users[0].Stamp, json, null)], Stop));

        // Made from what is no longer there.
        Assert.Empty(await People.StoreAttributesAsync(read.RulesRevision, [new(read.Users[0].User, read.Users[0].Stamp, "{}", null)], Stop));
        var again = await People.ReadAttributesAsync(["alice"], Stop);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), JsonNode.Parse(again.Users[0].Json!)));
        Assert.NotEqual(read.Users[0].Stamp, again.Users[0].Stamp);

        // Found to move nobody, by rules that are others by now.
        await Change(Put("g", "@.dept == 'sales'"));
        Assert.Empty(await People.StoreAttributesAsync(again.RulesRevision, [new(again.Users[0].User, again.Users[0].Stamp, null, null)], Stop));
        var last = await People.ReadAttributesAsync(["alice"], Stop);
        Assert.NotEqual(again.RulesRevision, last.RulesRevision);
        var issued = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.Single(await People.StoreAttributesAsync(last.RulesRevision, [new(last.Users[0].User, last.Users[0].Stamp, null, issued)], Stop));
        Assert.Equal((null, issued),
            ((await People.ReadAttributesAsync(["alice"], Stop)).Users[0].Json, (await People.ReadAttributesAsync(["alice"], Stop)).Users[0].ClaimsIssuedAt));
        Assert.Equal(1, (await Log.ReadHeadAsync(Stop)).Head);
    }

    [Fact]
    public async Task An_entry_of_a_kind_that_is_not_known_is_no_entry_to_go_on_from()
    {
        await Log.AppendAsync(new AppendBatch(Guid.NewGuid(),
            [Entry("x") with { Kind = (EntryKind)99 }, Entry("x", "[]") with { Kind = EntryKind.MembersChanged }]), Stop);
        var page = await Log.ReadAsync(0, 10, 1000, Stop);
        Assert.Throws<UnknownEntryException>(() => DirectoryEntry.Parse(page.Entries[0]));
        Assert.Throws<UnknownEntryException>(() => DirectoryEntry.Parse(page.Entries[1]));
        Assert.False(DirectoryEntry.IsKnown((EntryKind)99));
    }

    /// <summary>By the clock that the store uses.</summary>
    protected virtual DateTimeOffset Now() => TimeProvider.System.GetUtcNow();

    private static Task Eventually(Func<Task<bool>> condition) => Fixtures.Eventually.TrueAsync(condition, "the clock moves on");

    protected Task<PeopleReading> ReadAsync(string user) => People.ReadPeopleAsync([new(user, null)], Stop);

    protected Task<ChangeResult> Change(params DirectoryChange[] changes) => People.ChangeAsync(Batch(changes), Stop);

    protected Task PublishAsync(string topic) => Log.AppendAsync(new AppendBatch(Guid.NewGuid(), [Entry(topic)]), Stop);

    protected static ChangeBatch Batch(params DirectoryChange[] changes) => new(Guid.NewGuid(), changes, Limits);

    protected static DirectoryChange Put(string group, string? rule = null) => new DirectoryChange.PutGroup(group, rule);

    protected static DirectoryChange Members(string group, string[] add, string[] remove) => new DirectoryChange.ChangeMembers(group, add, remove);

    protected static DirectoryChange Join(string user, params string[] groups) => new DirectoryChange.JoinGroups(user, groups);

    protected static DirectoryChange Leave(string user, params string[] groups) => new DirectoryChange.LeaveGroups(user, groups);

    protected static DirectoryChange Subscribe(string user, params string[] filters) => new DirectoryChange.Subscribe(user, filters);

    protected static DirectoryChange Unsubscribe(string user, params string[] filters) => new DirectoryChange.Unsubscribe(user, filters);

    protected static IEnumerable<Interval> Held(PeopleReading reading, string group) =>
        reading.Users[0].Groups.Where(held => held.Name == group).Select(held => held.Held).OrderBy(held => held.Since);

    private static (ChangeStatus, string?) Refusal(ChangeResult result)
    {
        Assert.Empty(result.Stored);
        return (result.Outcomes[0].Status, result.Outcomes[0].Subject);
    }

    private static NewEntry Entry(string topic, string content = "{}") =>
        new() { Id = Guid.CreateVersion7(), Topic = topic, Content = Encoding.UTF8.GetBytes(content) };
}
