using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

using static Notify.Tests.Presence.PresenceOfNodes;

namespace Notify.Tests.Presence;

/// <summary>Two processes on one database, of which one is killed.</summary>
public sealed class KilledNodeTests(PostgresCluster postgres)
{
    [Fact]
    public async Task Users_of_a_killed_node_leave_and_one_that_came_back_on_another_node_never_left()
    {
        var database = ("ConnectionStrings:Postgres", postgres.ConnectionString(await postgres.CreateDatabaseAsync()));
        await using var one = await ServerProcess.StartAsync(database);
        await using var other = await ServerProcess.StartAsync(database);
        await BothHoldLeasesAsync(one);

        await using var alice = await FollowAsync(other, "alice");
        await using var bob = await FollowAsync(other, "bob");
        await using var carol = await FollowAsync(one, "carol");
        await using var watcher = await WatchAsync(one);
        await PresentAsync(one, "alice", "bob", "carol");
        await watcher.KnowsAsync("alice", "bob", "carol");
        Assert.True((await GetAsync(one, "users/bob/presence")).GetProperty("online").GetBoolean());

        await other.KillAsync();
        await using var again = await FollowAsync(one, "alice");
        await Eventually.TrueAsync(() => watcher.Heard.Items.Contains("leave bob"), "bob has left", Deadline);
        Assert.DoesNotContain("leave alice", watcher.Heard.Items);
        Assert.DoesNotContain("leave carol", watcher.Heard.Items);
        Assert.Equal(2, (await GetAsync(one, "presence?topic=rooms/1")).GetProperty("count").GetInt32());
        Assert.False((await GetAsync(one, "users/bob/presence")).GetProperty("online").GetBoolean());
        var stats = await GetAsync(one, "stats");
        Assert.Equal(1, stats.GetProperty("nodes").GetArrayLength());
        Assert.Equal(3, stats.GetProperty("connections").GetInt32());
        await ExplainAsync(one);
    }

    private static async Task ExplainAsync(ServerProcess node)
    {
        await node.PublishAsync("rooms/1", "x");
        var head = (await GetAsync(node, "stats")).GetProperty("head").GetInt64();
        var explained = await GetAsync(node, $"users/alice/explain?version={head}&device=phone");
        var connection = Assert.Single(explained.GetProperty("connections").EnumerateArray());
        Assert.Equal("brings", Assert.Single(connection.GetProperty("interests").EnumerateArray()).GetProperty("outcome").GetString());
        Assert.Equal("connections", explained.GetProperty("verdict").GetString());
    }
}
