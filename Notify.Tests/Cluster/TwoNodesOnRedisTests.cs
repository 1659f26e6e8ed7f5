using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Cluster;

public sealed class TwoNodesOnRedisTests(PostgresCluster postgres) : TwoNodesSpecification(postgres), IAsyncLifetime
{
    private readonly PostgresCluster _postgres = postgres;
    private RedisServer _redis = null!;

    public async ValueTask InitializeAsync() => _redis = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    internal override Task<NodePair> StartAsync(string database) =>
        NodePair.StartAsync(("ConnectionStrings:Postgres", database), ("ConnectionStrings:Redis", _redis.ConnectionString));

    [Theory]
    [InlineData("ACL SETUSER default resetchannels")] // every command on every key, and no channel: what a new user of Redis 7 has
    [InlineData("ACL SETUSER default -subscribe")]
    [InlineData("ACL SETUSER default -publish")]
    public async Task A_Redis_that_carries_nothing_is_not_called_healthy(string right)
    {
        await _redis.CommandAsync(right);
        await using var pair = await StartAsync(_postgres.ConnectionString(await _postgres.CreateDatabaseAsync()));
        foreach (var node in pair.Nodes)
        {
            var (status, report) = await ReadyAsync(node);
            var part = report.GetProperty("parts").GetProperty("redis");
            Assert.Equal((200, "degraded"), (status, part.GetProperty("status").GetString()));
            Assert.Contains("publish and subscribe", part.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }

        await _redis.CommandAsync("ACL SETUSER default allchannels +@all"); // put right while it runs
        foreach (var node in pair.Nodes)
            await Eventually.TrueAsync(async () => (await ReadyAsync(node)).Report.GetProperty("parts").GetProperty("redis").GetProperty("status")
                .GetString() == "healthy", "the node hears itself");
    }

    [Fact]
    public async Task Nodes_on_different_Redis_servers_and_a_node_on_a_replica_are_not_called_healthy()
    {
        var database = ("ConnectionStrings:Postgres", _postgres.ConnectionString(await _postgres.CreateDatabaseAsync()));
        await using var replica = await RedisServer.StartAsync();
        await using var one = await ServerProcess.StartAsync(database, ("ConnectionStrings:Redis", _redis.ConnectionString));
        await using var other = await ServerProcess.StartAsync(database, ("ConnectionStrings:Redis", replica.ConnectionString));
        foreach (var node in new[] { one, other })
            await Eventually.TrueAsync(async () =>
                (await RedisPartAsync(node)).Contains("same Redis", StringComparison.Ordinal), "the node misses the other one", TimeSpan.FromMinutes(2));

        // As a replica of the first it hears everything, and what is said on it reaches nobody else.
        await replica.CommandAsync($"REPLICAOF 127.0.0.1 {_redis.Port}");
        await Eventually.TrueAsync(async () =>
            (await RedisPartAsync(other)).Contains("replica", StringComparison.Ordinal), "the node knows that it talks to a replica", TimeSpan.FromMinutes(2));
        Assert.Contains("same Redis", await RedisPartAsync(one), StringComparison.Ordinal);
    }

    private static async Task<string> RedisPartAsync(ServerProcess node)
    {
        var (status, report) = await ReadyAsync(node);
        Assert.Equal(200, status);
        return report.GetProperty("parts").GetProperty("redis").ToString();
    }

    [Fact]
    public async Task While_Redis_is_away_everything_still_arrives_and_when_it_is_back_fast_again()
    {
        await using var pair = await StartAsync(_postgres.ConnectionString(await _postgres.CreateDatabaseAsync()));
        using var stop = new CancellationTokenSource();
        var publishing = pair.PublishUntilAsync(stop.Token);
        await pair.HearAsync();

        await _redis.KillAsync();
        foreach (var node in pair.Nodes)
        {
            await Eventually.TrueAsync(async () => (await ReadyAsync(node)).Report.GetProperty("status").GetString() == "degraded", "the node is degraded");
            var (status, report) = await ReadyAsync(node);
            Assert.Equal(200, status);
            Assert.Equal("degraded", report.GetProperty("parts").GetProperty("redis").GetProperty("status").GetString());
        }

        await pair.FlowsOnAsync(300);
        await using var late = new StockFollower(pair.Nodes[0].Url); // connecting and resuming do not need Redis
        await late.ResumeAsync(0, null, "#");
        await late.Received.CountAsync(300);

        await _redis.RestartAsync();
        await pair.HearAsync();
        foreach (var node in pair.Nodes)
        {
            await Eventually.TrueAsync(async () => await NodePair.CountedAsync(node, "notify_link_reconnects") >= 1, "the node counts that it is back");
            Assert.Equal("healthy", (await ReadyAsync(node)).Report.GetProperty("status").GetString());
        }

        await stop.CancelAsync();
        await publishing;
        await pair.CompleteAsync();
        Assert.Equal(pair.Published, (await late.Received.CountAsync((int)pair.Published)).Count);
    }

    [Fact]
    public async Task A_Redis_that_accepts_and_does_not_answer_stops_no_publisher()
    {
        await using var pair = await StartAsync(_postgres.ConnectionString(await _postgres.CreateDatabaseAsync()));
        using var stop = new CancellationTokenSource();
        var publishing = pair.PublishUntilAsync(stop.Token);
        await pair.HearAsync();

        await _redis.SignalAsync("STOP");
        await pair.FlowsOnAsync(300);
        await using var late = new StockFollower(pair.Nodes[1].Url, query: "?user=alice");
        await late.ResumeAsync(0, null, "#");
        await late.Received.CountAsync(300);
        await _redis.SignalAsync("CONT");
        await pair.HearAsync();

        await stop.CancelAsync();
        await publishing;
        await pair.CompleteAsync();
    }

    [Fact]
    public async Task A_node_starts_while_Redis_is_away()
    {
        await _redis.KillAsync();
        await using var pair = await StartAsync(_postgres.ConnectionString(await _postgres.CreateDatabaseAsync()));
        using var stop = new CancellationTokenSource();
        var publishing = pair.PublishUntilAsync(stop.Token);
        await pair.FlowsOnAsync(50);
        await _redis.RestartAsync();
        await pair.HearAsync();
        await stop.CancelAsync();
        await publishing;
        await pair.CompleteAsync();
    }
}
