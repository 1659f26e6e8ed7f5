using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

using static Notify.Tests.Presence.PresenceOfNodes;

namespace Notify.Tests.Presence;

/// <summary>Two processes on one database, of which one is cut off for a while from what joins them.</summary>
public sealed class PartitionedNodeTests(PostgresCluster postgres)
{
    [Fact]
    public async Task People_of_a_node_without_its_database_leave_and_are_back_when_it_has_it_again()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var line = new TcpProxy(postgres.Port);
        await using var one = await ServerProcess.StartAsync(("ConnectionStrings:Postgres", postgres.ConnectionString(database)));
        await using var cut = await ServerProcess.StartAsync(("ConnectionStrings:Postgres", PostgresCluster.ConnectionString(database, line.Port)));
        await BothHoldLeasesAsync(one);
        await using var alice = await FollowAsync(one, "alice");
        await using var bob = await FollowAsync(cut, "bob");
        await using var watcher = await WatchAsync(one);
        await PresentAsync(one, "alice", "bob");
        await watcher.KnowsAsync("alice", "bob");

        line.Blackhole = true;
        await Eventually.TrueAsync(() => watcher.Heard.Items.Contains("leave bob"), "bob has left", Deadline);
        await PresentAsync(one, "alice");
        Assert.DoesNotContain("leave alice", watcher.Heard.Items);
        Assert.Empty(bob.Closed.Items); // the node serves its connections from what it has

        line.Blackhole = false;
        line.Reset();
        await PresentAsync(one, "alice", "bob");
        await PresentAsync(cut, "alice", "bob");
        Assert.Empty(bob.Closed.Items);
    }

    [Fact]
    public async Task What_happened_while_a_node_was_without_Redis_is_known_everywhere_afterwards()
    {
        var database = ("ConnectionStrings:Postgres", postgres.ConnectionString(await postgres.CreateDatabaseAsync()));
        await using var redis = await RedisServer.StartAsync();
        await using var line = new TcpProxy(redis.Port);
        await using var one = await ServerProcess.StartAsync(database, ("ConnectionStrings:Redis", redis.ConnectionString));
        await using var cut = await ServerProcess.StartAsync(database, ("ConnectionStrings:Redis", $"127.0.0.1:{line.Port},abortConnect=false"));
        await using var bob = await FollowAsync(cut, "bob");
        await using var carol = await FollowAsync(cut, "carol");
        await PresentAsync(one, "bob", "carol");

        line.Blackhole = true;
        await carol.StopAsync();
        await using var dave = await FollowAsync(cut, "dave");
        await PresentAsync(cut, "bob", "dave");

        line.Blackhole = false;
        line.Reset();
        await PresentAsync(one, "bob", "dave");
        Assert.Empty(bob.Closed.Items);
    }
}
