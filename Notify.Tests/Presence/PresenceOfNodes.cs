using System.Text.Json;
using Microsoft.AspNetCore.SignalR.Client;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Presence;

/// <summary>Followers and watchers of one topic on several processes, and what the processes say of it.</summary>
internal static class PresenceOfNodes
{
    /// <summary>Of tests that fail: a lease ends 15 s after its last renewal, and a node's people at the latest after 25 s of silence.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    private const string Topic = "rooms/1";

    public static Task BothHoldLeasesAsync(ServerProcess node) => Eventually.TrueAsync(
        async () => (await GetAsync(node, "stats")).GetProperty("nodes").GetArrayLength() == 2, "both nodes hold a lease", Deadline);

    public static async Task<StockFollower> FollowAsync(ServerProcess node, string user)
    {
        var follower = new StockFollower(node.Url, query: $"?user={user}&device=phone");
        await follower.ResumeAsync(null, null, "rooms/#");
        return follower;
    }

    /// <summary>Waits until the node says that these users are there, and nobody else.</summary>
    public static Task PresentAsync(ServerProcess node, params string[] users) =>
        Eventually.TrueAsync(
            async () =>
            {
                var there = await GetAsync(node, $"presence?topic={Topic}");
                return there.GetProperty("count").GetInt32() == users.Length
                    && there.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("user").GetString()).Order().SequenceEqual(users);
            },
            $"{string.Join(", ", users)} are there, and nobody else",
            Deadline);

    public static async Task<JsonElement> GetAsync(ServerProcess node, string path) =>
        JsonElement.Parse(await node.Http.GetStringAsync(new Uri($"api/v1/{path}", UriKind.Relative), TestContext.Current.CancellationToken));

    public static async Task<PresenceWatcher> WatchAsync(ServerProcess node)
    {
        var watcher = new PresenceWatcher(new HubConnectionBuilder().WithUrl(new Uri(node.Url, "hubs/notifications")).Build());
        await watcher.WatchAsync(Topic);
        return watcher;
    }

    /// <summary>A connection that watches the topic, and what it was told: <c>join alice</c>, <c>leave alice</c>.</summary>
    internal sealed class PresenceWatcher(HubConnection connection) : IAsyncDisposable
    {
        public Observed<string> Heard { get; } = new();

        public async Task WatchAsync(string topic)
        {
            connection.On<JsonElement>("Presence", told => Heard.Add($"{told.GetProperty("event").GetString()} {told.GetProperty("user").GetString()}"));
            await connection.StartAsync(TestContext.Current.CancellationToken);
            await connection.InvokeAsync("Resume", new Dictionary<string, object>(), TestContext.Current.CancellationToken);
            var answer = await connection.InvokeAsync<JsonElement>(
                "WatchPresence", new Dictionary<string, object> { ["topics"] = new[] { topic } }, TestContext.Current.CancellationToken);
            foreach (var user in answer.GetProperty("topics")[0].GetProperty("users").EnumerateArray()) Heard.Add($"join {user.GetString()}");
        }

        /// <summary>
        /// Waits until the watcher was told of these users. A node's answers may be ahead of what it tells watchers, and a watcher hears
        /// no leave of a user it was never told of.
        /// </summary>
        public Task KnowsAsync(params string[] users) =>
            Eventually.TrueAsync(() => users.All(user => Heard.Items.Contains($"join {user}")), $"the watcher knows of {string.Join(", ", users)}", Deadline);

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}
