using System.Collections.Concurrent;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Storage;

/// <summary>Changes of people on several nodes at once, and when connections break in the middle of them.</summary>
public sealed class PostgresChangesTests(PostgresCluster cluster) : PostgresLogTestBase(cluster)
{
    private static readonly DirectoryLimits Limits = new(GroupsPerUser: 2, SubscriptionsPerUser: 2);
    private static readonly string[] Users = [.. Enumerable.Range(0, 6).Select(i => $"user{i}")];
    private static readonly string[] Groups = ["a", "b", "c", "d"];

    [Fact]
    public async Task Four_nodes_that_change_everything_at_once_leave_what_their_entries_say()
    {
        var nodes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OpenAsync(partitionSize: 64)));
        var outcomes = new ConcurrentBag<(long Version, bool Changed)>();
        await Task.WhenAll(nodes.Select((node, index) => Task.Run(() => ChangeAsync(node, new Random(index), outcomes), Stop)));

        var log = await ReadAllAsync(nodes[0]);
        Assert.Equal(Enumerable.Range(1, log.Count).Select(i => (long)i), log.Select(entry => entry.Version));
        Assert.Equal(log.Count(entry => entry.Kind == EntryKind.Notification), log.Where(entry => entry.Kind == EntryKind.Notification)
            .Select(entry => entry.TopicSeq).Distinct().Count());
        var changed = log.Where(entry => entry.Kind != EntryKind.Notification).Select(entry => entry.Version).ToList();
        Assert.Equal(changed, outcomes.Where(outcome => outcome.Changed).Select(outcome => outcome.Version).Order());

        var told = new ToldIntervals(log, Limits);
        var reading = await nodes[1].Directory.ReadPeopleAsync([.. Users.Select(user => new SessionUser(user, null))], Stop);
        foreach (var user in reading.Users)
        {
            Assert.Equal(
                told.Memberships(user.Number), user.Groups.Select(group => (group.Group, group.Held)).OrderBy(group => group.Held.Since)
                    .ThenBy(group => group.Group));
            Assert.Equal(told.Filters(user.Number), user.Subscriptions.Select(held => (held.Filter, held.Held)).OrderBy(held => held.Held.Since));
        }

        foreach (var group in await nodes[2].Directory.ListGroupsAsync("", null, 100, Stop))
        {
            var members = (await nodes[2].Directory.ListMembersAsync(group.Number, 0, 100, Stop)).Items;
            Assert.Equal(told.Members(group.Number), members.Select(user => user.Number).Order());
            Assert.Equal(group.Members, members.Count);
        }
    }

    [Fact]
    public async Task An_answer_lost_after_the_commit_is_unknown_and_the_repeat_finds_it_made_once()
    {
        await using var proxy = new TcpProxy(Cluster.Port);
        var direct = await OpenAsync();
        var node = await OpenAsync(port: proxy.Port);
        await direct.Directory.ChangeAsync(Changes(new DirectoryChange.PutGroup("a")), Stop);
        await node.Directory.ChangeAsync(Changes(new DirectoryChange.PutGroup("b")), Stop);

        // Held between its two round trips by a row that the second one writes.
        var batch = Changes(new DirectoryChange.JoinGroups("alice", ["a"]), new DirectoryChange.Subscribe("alice", ["x"]));
        Task<ChangeResult> change;
        await using (var holder = await Cluster.ConnectAsync(Database))
        await using (var held = await holder.BeginTransactionAsync(Stop))
        {
            await using var hold = new Npgsql.NpgsqlCommand("SELECT 1 FROM notify.groups WHERE name = 'a' FOR UPDATE", holder);
            await hold.ExecuteNonQueryAsync(Stop);
            change = node.Directory.ChangeAsync(batch, Stop);
            await WaitersAsync(1);
            proxy.LoseAnswers = true;
            await held.RollbackAsync(Stop);
        }

        await Eventually.TrueAsync(async () => (await direct.ReadHeadAsync(Stop)).Head == 4, "the changes are committed");
        proxy.Cut();
        await Assert.ThrowsAsync<AppendOutcomeUnknownException>(() => change);

        proxy.LoseAnswers = false;
        await direct.Directory.ChangeAsync(Changes(new DirectoryChange.LeaveGroups("alice", ["a"])), Stop);
        var again = await AgainAsync(node, batch);
        Assert.Equal([3L, 4L], again.Stored.Select(entry => entry.Version));
        Assert.Equal([(3L, 1), (4L, 1)], again.Outcomes.Select(outcome => (outcome.Version, outcome.Added)));
        Assert.Equal(5, (await direct.ReadHeadAsync(Stop)).Head);
        Assert.Equal([new Interval(3, 5)], (await direct.Directory.ReadPeopleAsync([new("alice", null)], Stop)).Users[0].Groups.Select(group => group.Held));

        // The session remembered topics; they go on where they were.
        Assert.Equal(6, Assert.Single((await node.AppendAsync(Batch(Entry("t")), Stop)).Stored).Version);
    }

    [Fact]
    public async Task A_connection_lost_while_it_waits_for_the_lock_has_made_nothing_then_or_later()
    {
        await using var proxy = new TcpProxy(Cluster.Port);
        var direct = await OpenAsync();
        var node = await OpenAsync(port: proxy.Port);
        await node.Directory.ChangeAsync(Changes(new DirectoryChange.PutGroup("a")), Stop);
        var batch = Changes(new DirectoryChange.JoinGroups("alice", ["a"]));
        await using (var holder = await Cluster.ConnectAsync(Database))
        await using (var held = await holder.BeginTransactionAsync(Stop))
        {
            await using var hold = new Npgsql.NpgsqlCommand("SELECT 1 FROM notify.log_head FOR UPDATE", holder);
            await hold.ExecuteNonQueryAsync(Stop);
            var change = node.Directory.ChangeAsync(batch, Stop);
            await WaitersAsync(1);
            proxy.Cut();
            await Assert.ThrowsAsync<StorageUnavailableException>(() => change);
            await held.RollbackAsync(Stop);
        }

        Assert.Equal(2, (await direct.AppendAsync(Batch(Entry("t")), Stop)).Stored[0].Version);
        Assert.Equal(3, (await AgainAsync(node, batch)).Stored[0].Version);
        Assert.Equal(3, (await direct.ReadHeadAsync(Stop)).Head);
    }

    [Fact]
    public async Task An_error_at_commit_makes_nothing_and_the_repeat_makes_it()
    {
        var log = await OpenAsync();
        await log.Directory.ChangeAsync(Changes(new DirectoryChange.PutGroup("a")), Stop);
        await ExecuteAsync("""
            SET search_path = notify;
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
            CREATE CONSTRAINT TRIGGER fail_at_commit AFTER INSERT ON appends DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION fail();
            """);
        var batch = Changes(new DirectoryChange.JoinGroups("alice", ["a"]));
        await Assert.ThrowsAsync<StorageUnavailableException>(() => log.Directory.ChangeAsync(batch, Stop));
        Assert.Empty(await log.Directory.ListGroupsOfAsync("alice", null, 10, Stop));
        Assert.Equal(1, (await log.ReadHeadAsync(Stop)).Head);
        await ExecuteAsync("DROP TRIGGER fail_at_commit ON notify.appends");
        Assert.Equal(2, Assert.Single((await log.Directory.ChangeAsync(batch, Stop)).Stored).Version);
    }

    [Fact]
    public async Task What_changes_nothing_does_not_wait_for_the_logs_lock()
    {
        var log = await OpenAsync();
        var directory = log.Directory;
        await directory.ChangeAsync(Changes(new DirectoryChange.PutGroup("a"), new DirectoryChange.JoinGroups("alice", ["a"])), Stop);
        await using var holder = await Cluster.ConnectAsync(Database);
        await using var held = await holder.BeginTransactionAsync(Stop);
        await using var hold = new Npgsql.NpgsqlCommand("SELECT 1 FROM notify.log_head FOR UPDATE", holder);
        await hold.ExecuteNonQueryAsync(Stop);
        Assert.Empty((await directory.ChangeAsync(Changes(new DirectoryChange.PutGroup("a"), new DirectoryChange.JoinGroups("alice", ["a"])), Stop)).Stored);

        // Nor do attributes, acknowledgements and reads.
        var read = await directory.ReadAttributesAsync(["alice"], Stop);
        Assert.Single(await directory.StoreAttributesAsync(read.RulesRevision, [new(read.Users[0].User, read.Users[0].Stamp, "{}", null)], Stop));
        await directory.AcknowledgeAsync([new(read.Users[0].User, "phone", (await log.ReadHeadAsync(Stop)).Epoch, 1)], Stop);
        Assert.Equal(1, (await directory.ReadPeopleAsync([new("alice", "phone")], Stop)).Users[0].Acknowledged);
    }

    [Fact]
    public async Task Attributes_changed_beside_changes_of_rules_and_members_never_deadlock()
    {
        var nodes = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => OpenAsync()));
        await nodes[0].Directory.ChangeAsync(Changes([.. Groups.Select(group => new DirectoryChange.PutGroup(group))]), Stop);
        var stored = 0;
        var changes = Enumerable.Range(0, 25).Select(async i =>
            await nodes[i % 3].Directory.ChangeAsync(
                Changes(new DirectoryChange.PutGroup("ruled", $"@.x == {i}"),
                    new DirectoryChange.ChangeMembers(Groups[i % 4], [Users[i % 6]], [Users[(i + 1) % 6]])), Stop));
        var attributes = Enumerable.Range(0, 3).Select(node => Task.Run(
            async () =>
            {
                for (var i = 0; i < 25; i++)
                {
                    // Each node in an order of its own.
                    var read = await nodes[node].Directory.ReadAttributesAsync(node % 2 == 0 ? Users : [.. Users.Reverse()], Stop);
                    var written = await nodes[node].Directory.StoreAttributesAsync(
                        read.RulesRevision, [.. read.Users.Select(user => new NewAttributes(user.User, user.Stamp, $$"""{"x":{{i}}}""", null))], Stop);
                    Interlocked.Add(ref stored, written.Count);
                }
            },
            Stop));
        await Task.WhenAll([.. changes, .. attributes]);
        Assert.True(stored > 0);
    }

    /// <summary>Pooled connections that were cut tell so on their next use, each once.</summary>
    private static async Task<ChangeResult> AgainAsync(INotificationLog node, ChangeBatch batch)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await node.Directory.ChangeAsync(batch, Stop);
            }
            catch (StorageUnavailableException) when (attempt < 10)
            {
            }
        }
    }

    private static async Task ChangeAsync(INotificationLog node, Random random, ConcurrentBag<(long, bool)> outcomes)
    {
        for (var i = 0; i < 40; i++)
        {
            if (random.Next(4) == 0) await node.AppendAsync(Batch(Entry("t")), Stop);
            DirectoryChange[] changes = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Any(random))];
            foreach (var outcome in (await node.Directory.ChangeAsync(Changes(changes), Stop)).Outcomes) outcomes.Add((outcome.Version, outcome.Version > 0));
        }
    }

    private static DirectoryChange Any(Random random)
    {
        string User() => Users[random.Next(Users.Length)];
        string Group() => Groups[random.Next(Groups.Length)];
        return random.Next(10) switch
        {
            0 or 1 => new DirectoryChange.PutGroup(Group()),
            2 => random.Next(3) == 0 ? new DirectoryChange.DeleteGroup(Group()) : new DirectoryChange.PutGroup(Group()),
            3 or 4 => new DirectoryChange.JoinGroups(User(), [Group()]),
            5 => new DirectoryChange.LeaveGroups(User(), [Group()]),
            6 => new DirectoryChange.Subscribe(User(), [$"f{random.Next(3)}"]),
            7 => new DirectoryChange.Unsubscribe(User(), [$"f{random.Next(3)}"]),
            _ => new DirectoryChange.ChangeMembers(Group(), [Users[0], Users[random.Next(1, 3)]], [Users[random.Next(3, 6)]]),
        };
    }

    private static ChangeBatch Changes(params DirectoryChange[] changes) => new(Guid.NewGuid(), changes, Limits);

    /// <summary>What the entries of a log say, applied one after the other; nobody is ever over the limits.</summary>
    private sealed class ToldIntervals
    {
        private readonly List<(long Group, long User, Interval Held)> _memberships = [];
        private readonly List<(long User, string Filter, Interval Held)> _filters = [];

        public ToldIntervals(IEnumerable<LogEntry> log, DirectoryLimits limits)
        {
            foreach (var entry in log.Where(entry => entry.Kind != EntryKind.Notification))
            {
                Apply(DirectoryEntry.Parse(entry));
                Assert.All(_memberships.Where(row => row.Held.IsOpen).GroupBy(row => row.User), of => Assert.InRange(of.Count(), 0, limits.GroupsPerUser));
                Assert.All(_filters.Where(row => row.Held.IsOpen).GroupBy(row => row.User), of => Assert.InRange(of.Count(), 0, limits.SubscriptionsPerUser));
            }
        }

        public IEnumerable<(long, Interval)> Memberships(long user) =>
            _memberships.Where(row => row.User == user).Select(row => (row.Group, row.Held)).OrderBy(row => row.Held.Since).ThenBy(row => row.Group);

        public IEnumerable<(string, Interval)> Filters(long user) =>
            _filters.Where(row => row.User == user).Select(row => (row.Filter, row.Held)).OrderBy(row => row.Held.Since);

        public IEnumerable<long> Members(long group) => _memberships.Where(row => row.Group == group && row.Held.IsOpen).Select(row => row.User).Order();

        private void Apply(DirectoryEntry entry)
        {
            switch (entry)
            {
                case GroupChanged { Change: GroupChange.Deleted } deleted:
                    foreach (var user in Members(deleted.Group).ToList()) End(deleted.Group, user, entry.Version);
                    break;
                case MembersChanged members:
                    foreach (var group in members.Groups)
                    {
                        foreach (var user in group.Joined)
                        {
                            Assert.DoesNotContain(user, Members(group.Group));
                            _memberships.Add((group.Group, user, new Interval(entry.Version)));
                        }

                        foreach (var user in group.Left) End(group.Group, user, entry.Version);
                    }

                    break;
                case SubscriptionsChanged subscriptions:
                    foreach (var filter in subscriptions.Added) _filters.Add((subscriptions.User, filter, new Interval(entry.Version)));
                    foreach (var filter in subscriptions.Removed)
                    {
                        var at = _filters.FindIndex(row => row.User == subscriptions.User && row.Filter == filter && row.Held.IsOpen);
                        _filters[at] = _filters[at] with { Held = _filters[at].Held with { Until = entry.Version } };
                    }

                    break;
                default:
                    break;
            }
        }

        private void End(long group, long user, long version)
        {
            var at = _memberships.FindIndex(row => row.Group == group && row.User == user && row.Held.IsOpen);
            _memberships[at] = _memberships[at] with { Held = _memberships[at].Held with { Until = version } };
        }
    }
}
