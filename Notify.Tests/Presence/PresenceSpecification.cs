using System.Text.Json;
using Notify.Contracts.Hub;
using Notify.Engine.Cluster;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Presence;
using Notify.Server.Configuration;
using Notify.Storage;
using Notify.Storage.Log;
using Notify.Storage.Nodes;
using Notify.Tests.Cluster;
using Notify.Tests.Delivery;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Presence;

/// <summary>
/// Who is there, as two nodes see it, whatever carries word between them. Time is moved on by the tests; what they wait for is
/// word from the other node.
/// </summary>
public abstract class PresenceSpecification : IAsyncLifetime
{
    private const string Room = "rooms/1";

    private readonly TempFolder _folder = new();
    private readonly ShiftedTime _time = new();
    private INotificationLog _log = null!;
    private ClusterNode _one = null!;
    private ClusterNode _other = null!;

    internal abstract Task<ClusterSettings> SettingsAsync();

    /// <summary>Takes away what the nodes hear each other by, and gives it back.</summary>
    protected abstract Task<Func<Task>> CutAsync();

    public async ValueTask InitializeAsync()
    {
        var settings = await SettingsAsync();
        _log = await LogStore.OpenAsync(new StorageOptions { SqlitePath = _folder.File("log.db") }, CancellationToken.None);
        _one = await ClusterNode.StartAsync(_log, settings, _time);
        _other = await ClusterNode.StartAsync(_log, settings, _time);
        foreach (var node in new[] { _one, _other })
            await Eventually.TrueAsync(() =>
                node.Counted["notify.link.received"] > 0 && node.Get<NodeLeases>().Nodes.Count == 2, "the nodes know of each other");
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var node in new[] { _one, _other })
            if (node is not null) await node.DisposeAsync();
        if (_log is not null) await _log.DisposeAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Watchers_hear_of_a_users_first_connection_and_its_last_on_whichever_node_they_are()
    {
        var watcher = await WatchAsync(_one);
        Assert.Equal("0: ", watcher.At);
        var phone = await FollowAsync(_other, "alice", "phone", "rooms/#");
        await watcher.HearsAsync("join alice 1");
        var tablet = await FollowAsync(_one, "alice", "tablet", Room);
        await FollowAsync(_one, "carol", null, "rooms/2");
        var bob = await FollowAsync(_other, "bob", null, "+/1");
        await watcher.HearsAsync("join bob 2");

        var second = await WatchAsync(_other);
        Assert.Equal("2: alice bob", second.At);
        Leave(_other, phone, inOrder: true);
        Leave(_one, tablet, inOrder: true);
        await watcher.HearsAsync("leave alice 1");
        await second.HearsAsync("leave alice 1");
        Leave(_other, bob, inOrder: true);
        await watcher.HearsAsync("leave bob 0");
        var nobody = await FollowAsync(_one, null, null, Room);
        await watcher.HearsAsync("join  1");
        Leave(_one, nobody, inOrder: true);
        await watcher.HearsAsync("leave  0");
        Assert.Equal(6, watcher.Heard.Count);
    }

    [Fact]
    public async Task A_client_that_breaks_off_leaves_after_ten_seconds_and_never_left_when_it_was_back_by_then()
    {
        var watcher = await WatchAsync(_one);
        var first = await FollowAsync(_other, "alice", "phone", Room);
        await watcher.HearsAsync("join alice 1");
        Leave(_other, first, inOrder: false);
        Pass(GoneConnections.Grace - TimeSpan.FromMilliseconds(500));
        var second = await FollowAsync(_one, "alice", "phone", Room);
        Pass(TimeSpan.FromSeconds(3));
        await FollowAsync(_other, "bob", null, Room);
        await watcher.HearsAsync("join bob 2");
        Assert.DoesNotContain(watcher.Heard, heard => heard.StartsWith("leave", StringComparison.Ordinal));

        // Back, and then gone by its own will: what broke off before is not waited for.
        Leave(_one, second, inOrder: false);
        var third = await FollowAsync(_one, "alice", "phone", Room);
        Leave(_one, third, inOrder: true);
        await watcher.HearsAsync("leave alice 1");

        var last = await FollowAsync(_other, "alice", "phone", Room);
        await watcher.HearsAsync("join alice 2");
        Leave(_other, last, inOrder: false);
        await FollowAsync(_other, "carol", null, Room);
        await watcher.HearsAsync("join carol 3");
        Assert.Equal(3, (await _one.Get<PresenceQueries>().OfTopicAsync(Room, null, 100, Stop)).Count); // while it may be back
        Pass(GoneConnections.Grace);
        await watcher.HearsAsync("leave alice 2");
    }

    [Fact]
    public async Task Over_a_hundred_people_there_are_numbers_only_and_a_user_on_both_nodes_counts_once()
    {
        var watcher = await WatchAsync(_one);
        var all = new List<(ClusterNode Node, DeliverySession Session)>();
        foreach (var user in Enumerable.Range(0, 130))
        {
            foreach (var node in new[] { _one, _other }) all.Add((node, await FollowAsync(node, $"user-{user:000}", null, Room)));
        }

        await watcher.HearsAsync("  130");
        var late = await WatchAsync(_other);
        Assert.Equal("130", late.At);
        Assert.True(watcher.Heard.Count(heard => heard.StartsWith("  ", StringComparison.Ordinal)) < 60, $"{watcher.Heard.Count} events for 260 connections");

        var page = await _one.Get<PresenceQueries>().OfTopicAsync(Room, null, 100, Stop);
        Assert.Equal((130, false), (page.Count, page.IsPartial));
        var listed = new List<LocalConnection>(page.Connections);
        for (var next = page.Next; next is not null; next = page.Next)
        {
            page = await _one.Get<PresenceQueries>().OfTopicAsync(Room, next, 100, Stop);
            Assert.Equal(130, page.Count);
            listed.AddRange(page.Connections);
        }

        Assert.Equal(all.Select(one => one.Session.ConnectionId).Order(), listed.Select(one => one.Connection).Order());
        Assert.Equal(listed.Select(one => one.Place).Order(StringComparer.Ordinal), listed.Select(one => one.Place));

        foreach (var (node, session) in all.Skip(20)) Leave(node, session, inOrder: true);
        await Eventually.TrueAsync(() => watcher.Heard[^1].EndsWith(" 10", StringComparison.Ordinal), "ten are left, and no leave is owed");
        Leave(_one, all[0].Session, inOrder: true);
        Leave(_other, all[1].Session, inOrder: true);
        await watcher.HearsAsync("leave user-000 9");
    }

    [Fact]
    public async Task A_node_that_moves_its_connections_makes_no_event()
    {
        var watcher = await WatchAsync(_one);
        var users = Enumerable.Range(0, 90).Select(user => $"user-{user:000}").ToArray();
        var leaving = new List<DeliverySession>();
        foreach (var user in users) leaving.Add(await FollowAsync(_other, user, "phone", Room));
        await watcher.HearsAsync(" 90");
        var before = watcher.Heard.Count;
        foreach (var session in leaving)
        {
            Leave(_other, session, inOrder: false);
            await FollowAsync(_one, session.User, "phone", Room);
        }

        await _other.Get<NodeLeases>().StopAsync(Stop);
        await _other.Get<PresenceWatching>().StopAsync(Stop);
        await _one.Get<NodeLeases>().RenewAsync(Stop);
        Assert.Equal([_one.Get<NodeLeases>().Node], _one.Get<NodeLeases>().Nodes);
        Pass(TimeSpan.FromSeconds(5));
        Pass(TimeSpan.FromSeconds(5));
        Pass(TimeSpan.FromSeconds(5));
        await FollowAsync(_one, "mark", null, Room);
        await watcher.HearsAsync("join mark 91");
        Assert.Equal(before + 1, watcher.Heard.Count);
    }

    [Fact]
    public async Task A_node_that_fell_silent_keeps_its_people_while_it_holds_its_lease_and_for_no_longer_than_half_a_minute()
    {
        var watcher = await WatchAsync(_one);
        await FollowAsync(_other, "alice", "phone", Room);
        await watcher.HearsAsync("join alice 1");

        // The link is away, the lease is not.
        var restore = await CutAsync();
        await _other.Get<PresenceWatching>().StopAsync(Stop); // what it says now is not heard anyway
        for (var i = 0; i < 4; i++) await PassWithLeasesAsync(TimeSpan.FromSeconds(5), _one, _other);
        var partial = await _one.Get<PresenceQueries>().OfTopicAsync(Room, null, 100, Stop);
        Assert.Equal((0, true), (partial.Count, partial.IsPartial));
        Assert.Single(watcher.Heard);
        await PassWithLeasesAsync(TimeSpan.FromSeconds(6), _one, _other);
        await watcher.HearsAsync("leave alice 0");
        await restore();
    }

    [Fact]
    public async Task A_killed_nodes_people_are_gone_with_its_lease()
    {
        var watcher = await WatchAsync(_one);
        await FollowAsync(_other, "alice", "phone", Room);
        await watcher.HearsAsync("join alice 1");
        await _other.Get<PresenceWatching>().StopAsync(Stop);
        await _other.Get<ClusterLink>().StopAsync(Stop);
        var dead = new NodeState(_other.Get<NodeLeases>().Node, "1", "host", TimeSpan.Zero, 0, 0, INodes.BaseKind);
        await _other.Get<NodeLeases>().StopAsync(Stop);
        await _log.Nodes.RenewAsync(dead, NodeLeases.Lease, Stop); // killed: nobody took the lease along

        await PassWithLeasesAsync(TimeSpan.FromSeconds(9), _one);
        Assert.Single(watcher.Heard);
        await PassWithLeasesAsync(TimeSpan.FromSeconds(9), _one);
        await watcher.HearsAsync("leave alice 0");
        Assert.Empty((await _one.Get<PresenceQueries>().OfTopicAsync(Room, null, 100, Stop)).Connections);
    }

    [Fact]
    public async Task A_users_connections_are_found_on_every_node()
    {
        await FollowAsync(_one, "alice", "phone", "a");
        var tablet = await FollowAsync(_other, "alice", "tablet", "b");
        await FollowAsync(_other, "bob", null, "b");
        var page = await _one.Get<PresenceQueries>().OfUserAsync("alice", 100, Stop);
        Assert.Equal(["phone", "tablet"], page.Connections.Select(one => one.Device));
        Leave(_other, tablet, inOrder: true);
        Assert.Equal(["phone"], (await _other.Get<PresenceQueries>().OfUserAsync("alice", 100, Stop)).Connections.Select(one => one.Device));
        Assert.Empty((await _one.Get<PresenceQueries>().OfUserAsync("carol", 100, Stop)).Connections);
        await Eventually.TrueAsync(async () => await _log.Nodes.LastSeenAsync("alice", Stop) is not null, "when she was seen is stored");
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Lets time pass, and both nodes look.</summary>
    private void Pass(TimeSpan time)
    {
        _time.Advance(time);
        foreach (var node in new[] { _other, _one }) node.Get<PresenceWatching>().Look();
    }

    private async Task PassWithLeasesAsync(TimeSpan time, params ClusterNode[] renewing)
    {
        _time.Advance(time);
        foreach (var node in renewing) await node.Get<NodeLeases>().RenewAsync(Stop);
        _one.Get<PresenceWatching>().Look();
    }

    private static async Task<DeliverySession> FollowAsync(ClusterNode node, string? user, string? device, params string[] topics) =>
        (await ResumeAsync(node, user, device, topics)).Session;

    private static async Task<(DeliverySession Session, RecordingSink Sink)> ResumeAsync(ClusterNode node, string? user, string? device, params string[] topics)
    {
        var sink = new RecordingSink();
        var session = node.Get<SessionOpener>()(Guid.NewGuid().ToString(), sink, user, device);
        var (_, refusal) = await node.Get<Resumption>().ResumeAsync(session, new ResumeRequest { Topics = topics }, SessionAccess.Everything, Stop);
        Assert.Null(refusal);
        session.Start();
        return (session, sink);
    }

    private static void Leave(ClusterNode node, DeliverySession session, bool inOrder)
    {
        session.LeftInOrder = inOrder;
        node.Get<SessionRegistry>().Remove(session.ConnectionId);
    }

    private static async Task<Watcher> WatchAsync(ClusterNode node)
    {
        var (session, sink) = await ResumeAsync(node, null, null);
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "the watcher is live");
        var (topics, refusal) = await node.Get<PresenceWatching>().WatchAsync(session, [Room], Stop);
        Assert.Null(refusal);
        var topic = Assert.Single(topics!);
        return new Watcher(sink, topic.Users is null ? $"{topic.Count}" : $"{topic.Count}: {string.Join(' ', topic.Users)}");
    }

    private sealed class Watcher(RecordingSink sink, string at)
    {
        public string At => at;

        public IReadOnlyList<string> Heard =>
            [.. sink.Received.Where(one => one.Target == "Presence")
            .Select(one => $"{Text(one.Argument, "event")} {Text(one.Argument, "user")} {one.Argument.GetProperty("count")}")];

        /// <param name="end">What an event ends with: a count of 10 is not one of 105.</param>
        public Task HearsAsync(string end) =>
            Eventually.TrueAsync(() => Heard.Any(heard => heard.EndsWith(end, StringComparison.Ordinal)), $"'{end}' is heard of");

        private static string? Text(JsonElement argument, string name) => argument.TryGetProperty(name, out var value) ? value.GetString() : null;
    }
}
