using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;
using Notify.Tests.Streaming;

namespace Notify.Tests.Authentication;

/// <summary>
/// What one node is told to revoke ends on both, whatever joins them: hub connections of both protocols, event streams, calls. How
/// long it took is written down, and not asserted.
/// </summary>
public sealed class RevocationOnTwoNodesTests(PostgresCluster postgres, ITestOutputHelper output)
{
    private static readonly object Everything = new { notify_subscribe = "#" };

    [Fact]
    public async Task A_revocation_holds_on_both_nodes_over_the_database_alone()
    {
        await using var pair = await StartAsync();
        await EndsOnBothAsync(pair, "no Redis");
    }

    [Fact]
    public async Task A_revocation_holds_on_both_nodes_with_Redis_and_while_it_is_away()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var pair = await StartAsync(("ConnectionStrings:Redis", redis.ConnectionString));
        await EndsOnBothAsync(pair, "with Redis");
        await redis.KillAsync();
        await EndsOnBothAsync(pair, "Redis away");
    }

    private async Task EndsOnBothAsync(Pair pair, string round)
    {
        var alice = TestToken.Of("alice", Everything);
        var made = await CallAsync(pair.One, HttpMethod.Post, "keys", Admin, new { name = round, subscribe = new[] { "#" } });
        var (id, key) = (made.Json.GetProperty("id").GetString()!, made.Json.GetProperty("key").GetString()!);
        await using var byKey = await Followers.ConnectAsync(pair, key);
        await using var byToken = await Followers.ConnectAsync(pair, alice);
        await using var bystanders = await Followers.ConnectAsync(pair, TestToken.Of("bob", Everything));

        // A key.
        Assert.Equal(HttpStatusCode.NoContent, (await CallAsync(pair.One, HttpMethod.Delete, $"keys/{id}", Admin)).Status);
        await EndAsync(byKey, $"{round}: key");
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync(pair.One, HttpMethod.Get, "users/me", key)).Status);
        await RefusedAsync(pair.Other, key);
        byToken.AllLive();

        // A user's tokens, by the other node.
        Assert.Equal(HttpStatusCode.NoContent, (await CallAsync(pair.Other, HttpMethod.Post, "users/alice/tokens/revoke", Admin)).Status);
        await EndAsync(byToken, $"{round}: tokens");
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync(pair.Other, HttpMethod.Get, "users/me", alice)).Status);
        await RefusedAsync(pair.One, alice);

        // The next round has other tokens of the same second: the last call wins.
        Assert.Equal(HttpStatusCode.NoContent,
            (await CallAsync(pair.One, HttpMethod.Post, "users/alice/tokens/revoke", Admin, new { issuedBefore = "2020-01-01T00:00:00Z" })).Status);
        await Eventually.TrueAsync(async () =>
            (await CallAsync(pair.Other, HttpMethod.Get, "users/me", alice)).Status == HttpStatusCode.OK, "the earlier moment holds on the other node");

        // Connections, which may come back.
        await using var again = await Followers.ConnectAsync(pair, alice);
        Assert.Equal(HttpStatusCode.NoContent, (await CallAsync(pair.One, HttpMethod.Post, "users/alice/disconnect", Admin)).Status);
        await EndAsync(again, $"{round}: disconnect");
        await using var back = await Followers.ConnectAsync(pair, alice);
        bystanders.AllLive();
        back.AllLive();
    }

    private async Task EndAsync(Followers followers, string what)
    {
        var answered = Stopwatch.StartNew();
        await followers.EndAsync();
        output.WriteLine($"{what}: the last of {followers.Count} connections on both nodes ended {answered.ElapsedMilliseconds} ms after the answer");
    }

    private static Task RefusedAsync(ServerProcess node, string credential) =>
        Eventually.TrueAsync(async () =>
            (await CallAsync(node, HttpMethod.Get, "users/me", credential)).Status == HttpStatusCode.Unauthorized, "the other node rejects the credential");

    private async Task<Pair> StartAsync(params (string Name, string Value)[] settings)
    {
        (string, string)[] all =
            [("environment", "Production"), ("Notify:Auth:SigningKey", TestToken.Key),
            ("ConnectionStrings:Postgres", postgres.ConnectionString(await postgres.CreateDatabaseAsync())), .. settings];
        var nodes = await Task.WhenAll(ServerProcess.StartAsync(all), ServerProcess.StartAsync(all));
        return new Pair(nodes[0], nodes[1]);
    }

    private static string Admin => TestToken.Of("root", new { notify_admin = true });

    private static async Task<(HttpStatusCode Status, JsonElement Json)> CallAsync(ServerProcess node, HttpMethod method, string path, string bearer,
        object? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri($"api/v1/{path}", UriKind.Relative));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        if (body is not null) request.Content = JsonContent.Create(body);
        using var response = await node.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (response.StatusCode, text.StartsWith('{') ? JsonElement.Parse(text) : default);
    }

    private sealed record Pair(ServerProcess One, ServerProcess Other) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await One.DisposeAsync();
            await Other.DisposeAsync();
        }
    }

    /// <summary>Of one credential, on each node: a hub connection of each protocol and an event stream.</summary>
    private sealed class Followers : IAsyncDisposable
    {
        private readonly List<StockFollower> _hub = [];
        private readonly List<EventStream> _streams = [];

        public int Count => _hub.Count + _streams.Count;

        public static async Task<Followers> ConnectAsync(Pair pair, string credential)
        {
            var followers = new Followers();
            foreach (var node in new[] { pair.One, pair.Other })
            {
                foreach (var messagePack in new[] { false, true })
                {
                    var follower = new StockFollower(node.Url, messagePack, query: $"?access_token={credential}");
                    followers._hub.Add(follower);
                    await follower.ResumeAsync(null, null, "a");
                }

                followers._streams.Add(await EventStream.OpenAsync(node.Http, $"filter=a&access_token={credential}"));
            }

            return followers;
        }

        public async Task EndAsync()
        {
            foreach (var follower in _hub) await follower.Closed.CountAsync(1);
            foreach (var stream in _streams) await stream.Ended.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }

        public void AllLive()
        {
            Assert.All(_hub, follower => Assert.Empty(follower.Closed.Items));
            Assert.All(_streams, stream => Assert.False(stream.Ended.IsCompleted));
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var follower in _hub) await follower.DisposeAsync();
            foreach (var stream in _streams) stream.Dispose();
        }
    }
}
