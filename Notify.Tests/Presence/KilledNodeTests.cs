using System.Text.Json;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Presence;

/// <summary>Two processes on one database, of which one is killed.</summary>
public sealed class KilledNodeTests(PostgresCluster postgres)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task People_of_a_killed_node_leave_and_who_came_back_on_another_node_never_left()
    {
        var database = ("ConnectionStrings:Postgres", postgres.ConnectionString(await postgres.CreateDatabaseAsync()));
        await using var one = await ServerProcess.StartAsync(database);
        await using var other = await ServerProcess.StartAsync(database);
        await Eventually.TrueAsync(async () => (await GetAsync(one, "stats")).GetProperty("nodes").GetArrayLength() == 2, "both nodes hold a lease", Deadline);

        await using var alice = await FollowAsync(other, "alice");
        await using var bob = await FollowAsync(other, "bob");
        await using var carol = await FollowAsync(one, "carol");
        var heard = new Observed<string>();
        await using var watcher = new HubConnectionBuilder().WithUrl(new Uri(one.Url, "hubs/notifications")).AddMessagePackProtocol().Build();
        watcher.On<Dictionary<string, object>>("Presence", told => heard.Add($"{told.GetValueOrDefault("event")} {told.GetValueOrDefault("user")}"));
        await watcher.StartAsync(TestContext.Current.CancellationToken);
        await watcher.InvokeAsync("Resume", new Dictionary<string, object>(), TestContext.Current.CancellationToken);
        await watcher.InvokeAsync("WatchPresence", new Dictionary<string, object> { ["topics"] = new[] { "rooms/1" } }, TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(async () =>
            (await GetAsync(one, "presence?topic=rooms/1")).GetProperty("count").GetInt32() == 3, "all three are there", Deadline);
        Assert.True((await GetAsync(one, "users/bob/presence")).GetProperty("online").GetBoolean());

        await other.KillAsync();
        await using var again = await FollowAsync(one, "alice");
        await Eventually.TrueAsync(() => heard.Items.Contains("leave bob"), "bob has left", Deadline);
        Assert.DoesNotContain("leave alice", heard.Items);
        Assert.DoesNotContain("leave carol", heard.Items);
        Assert.Equal(2, (await GetAsync(one, "presence?topic=rooms/1")).GetProperty("count").GetInt32());
        Assert.False((await GetAsync(one, "users/bob/presence")).GetProperty("online").GetBoolean());
        var stats = await GetAsync(one, "stats");
        Assert.Equal(1, stats.GetProperty("nodes").GetArrayLength());
        Assert.Equal(3, stats.GetProperty("connections").GetInt32());
        await ExplainAsync(one);
    }

    private static async Task<StockFollower> FollowAsync(ServerProcess node, string user)
    {
        var follower = new StockFollower(node.Url, query: $"?user={user}&device=phone");
        await follower.ResumeAsync(null, null, "rooms/#");
        return follower;
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

    private static async Task<JsonElement> GetAsync(ServerProcess node, string path) =>
        JsonElement.Parse(await node.Http.GetStringAsync(new Uri($"api/v1/{path}", UriKind.Relative), TestContext.Current.CancellationToken));
}
