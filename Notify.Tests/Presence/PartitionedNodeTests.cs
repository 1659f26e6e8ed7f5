using System.Text.Json;
using Microsoft.AspNetCore.SignalR.Client;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Presence;

/// <summary>Two processes on one database, of which one is cut off for a while from what joins them.</summary>
public sealed class PartitionedNodeTests(PostgresCluster postgres)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task People_of_a_node_without_its_database_leave_and_are_back_when_it_has_it_again()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var line = new TcpProxy(postgres.Port);
        await using var one = await ServerProcess.StartAsync(("ConnectionStrings:Postgres", postgres.ConnectionString(database)));
        await using var cut = await ServerProcess.StartAsync(("ConnectionStrings:Postgres", PostgresCluster.ConnectionString(database, line.Port)));
        await Eventually.TrueAsync(async () => (await GetAsync(one, "stats")).GetProperty("nodes").GetArrayLength() == 2, "both nodes hold a lease", Deadline);
        await using var alice = await FollowAsync(one, "alice");
        await using var bob = await FollowAsync(cut, "bob");
        await using var watcher = await WatchAsync(one);
        await PresentAsync(one, "alice", "bob");
        await Eventually.TrueAsync(() => watcher.Knows("bob"), "the watcher knows of bob", Deadline);

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

    private static async Task<StockFollower> FollowAsync(ServerProcess node, string user)
    {
        var follower = new StockFollower(node.Url, query: $"?user={user}&device=phone");
        await follower.ResumeAsync(null, null, "rooms/#");
        return follower;
    }

    private static Task PresentAsync(ServerProcess node, params string[] users) =>
        Eventually.TrueAsync(
            async () =>
            {
                var there = await GetAsync(node, "presence?topic=rooms/1");
                return there.GetProperty("count").GetInt32() == users.Length
                    && there.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("user").GetString()).Order().SequenceEqual(users);
            },
            $"{string.Join(", ", users)} are there, and nobody else",
            Deadline);

    private static async Task<JsonElement> GetAsync(ServerProcess node, string path) =>
        JsonElement.Parse(await node.Http.GetStringAsync(new Uri($"api/v1/{path}", UriKind.Relative), TestContext.Current.CancellationToken));

    private static async Task<Watcher> WatchAsync(ServerProcess node)
    {
        var watcher = new Watcher(new HubConnectionBuilder().WithUrl(new Uri(node.Url, "hubs/notifications")).Build());
        watcher.Connection.On<JsonElement>("Presence", told =>
            watcher.Heard.Add($"{told.GetProperty("event").GetString()} {told.GetProperty("user").GetString()}"));
        await watcher.Connection.StartAsync(TestContext.Current.CancellationToken);
        await watcher.Connection.InvokeAsync("Resume", new Dictionary<string, object>(), TestContext.Current.CancellationToken);
        var answer = await watcher.Connection.InvokeAsync<JsonElement>("WatchPresence", new Dictionary<string, object> { ["topics"] = new[] { "rooms/1" } },
            TestContext.Current.CancellationToken);
        foreach (var user in answer.GetProperty("topics")[0].GetProperty("users").EnumerateArray()) watcher.Heard.Add($"join {user.GetString()}");
        return watcher;
    }

    private sealed record Watcher(HubConnection Connection) : IAsyncDisposable
    {
        public Observed<string> Heard { get; } = new();

        public bool Knows(string user) => Heard.Items.Contains($"join {user}");

        public ValueTask DisposeAsync() => Connection.DisposeAsync();
    }
}
