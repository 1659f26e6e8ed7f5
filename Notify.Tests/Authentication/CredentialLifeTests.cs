using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Authentication;

/// <summary>From the making of a credential to its end, on a real server: keys, revocation, expiry, fresh tokens.</summary>
public sealed class CredentialLifeTests
{
    private static readonly object Everything = new { notify_subscribe = "#", notify_publish = "#" };

    [Fact]
    public async Task A_key_is_shown_once_works_until_it_is_revoked_and_its_connections_end_with_it()
    {
        await using var server = await StartAsync();
        var made = await CallAsync(server, HttpMethod.Post, "keys", Admin,
            new { name = "billing", publish = new[] { "orders/#", "$user/+" }, subscribe = new[] { "orders/#" }, expiresAt = "2100-01-01T00:00:00Z" });
        Assert.Equal(HttpStatusCode.Created, made.Status);
        var (id, key) = (made.Json.GetProperty("id").GetString()!, made.Json.GetProperty("key").GetString()!);
        Assert.Matches("^ntf_[0-9a-f]{16}_[0-9a-f]{72}$", key);
        Assert.Equal("2100-01-01T00:00:00.000Z", made.Json.GetProperty("expiresAt").GetString());

        var published = await CallAsync(server, HttpMethod.Post, "notifications", null, new { topic = "orders/1", title = "x" }, ("X-Api-Key", key));
        Assert.Equal(HttpStatusCode.Created, published.Status);
        var read = await CallAsync(server, HttpMethod.Get, $"notifications/{published.Json.GetProperty("id").GetString()}", key);
        Assert.Equal("billing", read.Json.GetProperty("publisher").GetString());
        Assert.Equal(HttpStatusCode.Forbidden, (await CallAsync(server, HttpMethod.Post, "notifications", key, new { topic = "other", title = "x" })).Status);

        var listed = (await CallAsync(server, HttpMethod.Get, "keys", Admin)).Json.GetProperty("items")[0];
        Assert.Equal(("billing", false), (listed.GetProperty("name").GetString(), listed.TryGetProperty("key", out _)));
        var me = (await CallAsync(server, HttpMethod.Get, "users/me", key)).Json;
        Assert.Equal((false, false), (me.TryGetProperty("user", out _), me.GetProperty("admin").GetBoolean()));
        Assert.Equal("""["orders/#","$user/+"]""", me.GetProperty("publish").GetRawText());

        var flipped = key[..^1] + (key[^1] == '0' ? '1' : '0');
        Assert.Contains("checksum", (await CallAsync(server, HttpMethod.Get, "users/me", flipped)).Text, StringComparison.Ordinal);

        await using var follower = new StockFollower(server.Url, query: $"?access_token={key}");
        await follower.ResumeAsync(null, null, "orders/#");
        Assert.Equal(HttpStatusCode.NoContent, (await CallAsync(server, HttpMethod.Delete, $"keys/{id}", Admin)).Status);
        await follower.Closed.CountAsync(1);
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync(server, HttpMethod.Get, "users/me", key)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await CallAsync(server, HttpMethod.Delete, $"keys/{id}", Admin)).Status);
    }

    [Fact]
    public async Task Credentials_that_share_a_connection_are_told_apart_and_each_ends_by_itself()
    {
        await using var server = await StartAsync();
        var made = await CallAsync(server, HttpMethod.Post, "keys", Admin, new { name = "billing", subscribe = new[] { "orders/#" } });
        var (id, key) = (made.Json.GetProperty("id").GetString()!, made.Json.GetProperty("key").GetString()!);
        var (alice, bob) = (TestToken.Of("alice", Everything), TestToken.Of("bob", Everything));

        using var one = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1 }) { BaseAddress = server.Url };
        async Task<string> AmAsync(string credential)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("api/v1/users/me", UriKind.Relative));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", credential);
            using var response = await one.SendAsync(request);
            if (!response.IsSuccessStatusCode) return response.StatusCode.ToString();
            var me = await response.Content.ReadFromJsonAsync<JsonElement>();
            return me.TryGetProperty("user", out var user) ? user.GetString()! : "a key";
        }

        var shown = new List<string>();
        foreach (var credential in new[] { alice, alice, bob, alice, key, key, bob }) shown.Add(await AmAsync(credential));
        Assert.Equal(["alice", "alice", "bob", "alice", "a key", "a key", "bob"], shown);

        Assert.Equal(HttpStatusCode.NoContent, (await CallAsync(server, HttpMethod.Post, "users/bob/tokens/revoke", Admin)).Status);
        Assert.Equal(["Unauthorized", "alice", "Unauthorized", "a key"], [await AmAsync(bob), await AmAsync(alice), await AmAsync(bob), await AmAsync(key)]);
        Assert.Equal(HttpStatusCode.NoContent, (await CallAsync(server, HttpMethod.Delete, $"keys/{id}", Admin)).Status);
        Assert.Equal(["Unauthorized", "alice"], [await AmAsync(key), await AmAsync(alice)]);
    }

    [Theory]
    [InlineData("""{}""", "'name' is missing")]
    [InlineData("""{"name":""}""", "'name'")]
    [InlineData("""{"name":"a","name":"b"}""", "'name' is there twice")]
    [InlineData("""{"name":"a","nmae":"b"}""", "'nmae' is unknown")]
    [InlineData("""{"name":"a","publish":"#"}""", "'publish'")]
    [InlineData("""{"name":"a","publish":["a+"]}""", "'+'")]
    [InlineData("""{"name":"a","admin":"true"}""", "'admin'")]
    [InlineData("""{"name":"a","expiresAt":"tomorrow"}""", "'expiresAt'")]
    [InlineData("""{"name":"a","expiresAt":"2020-01-01T00:00:00Z"}""", "in the past")]
    public async Task A_key_that_cannot_be_is_refused_with_the_members_name(string body, string expected)
    {
        await using var server = await StartAsync();
        var answer =
            await CallAsync(server, HttpMethod.Post, "keys", Admin, JsonElement.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = true }));
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains(expected, answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_and_other_users_are_for_administrators()
    {
        await using var server = await StartAsync();
        var alice = TestToken.Of("alice", Everything);
        (HttpMethod Method, string Path, HttpStatusCode Alice, HttpStatusCode Nobody)[] calls =
        [
            (HttpMethod.Get, "keys", HttpStatusCode.NotFound, HttpStatusCode.Unauthorized),
            (HttpMethod.Post, "keys", HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized),
            (HttpMethod.Delete, "keys/0123456789abcdef", HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized),
            (HttpMethod.Post, "users/bob/disconnect", HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized),
            (HttpMethod.Post, "users/bob/tokens/revoke", HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized),
            (HttpMethod.Post, "users/a%2Fb/disconnect", HttpStatusCode.BadRequest, HttpStatusCode.Unauthorized),
            (HttpMethod.Post, "users/$alice/disconnect", HttpStatusCode.BadRequest, HttpStatusCode.Unauthorized),
            (HttpMethod.Post, "users/me/disconnect", HttpStatusCode.NoContent, HttpStatusCode.Unauthorized),
            (HttpMethod.Get, "users/me", HttpStatusCode.OK, HttpStatusCode.Unauthorized),
        ];
        foreach (var (method, path, forAlice, forNobody) in calls)
        {
            Assert.Equal((path, forAlice), (path, (await CallAsync(server, method, path, alice)).Status));
            Assert.Equal((path, forNobody), (path, (await CallAsync(server, method, path, null)).Status));
        }

        await using var open = await ServerProcess.StartAsync(("environment", "Production"), ("Notify:Auth:AllowAnonymous", "true"));
        foreach (var (method, path, _, _) in calls.Where(call =>
            !call.Path.StartsWith("users/a%", StringComparison.Ordinal) && !call.Path.StartsWith("users/$", StringComparison.Ordinal)))
            Assert.Equal((path, HttpStatusCode.Forbidden), (path, (await CallAsync(open, method, path, null)).Status));
    }

    [Fact]
    public async Task Revoked_tokens_are_refused_their_connections_end_and_newer_ones_are_accepted()
    {
        await using var server = await StartAsync();
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var (old, noIat) = (TestToken.Of("alice", Everything), TestToken.Hmac("""{"alg":"HS256"}""", $$"""{"sub":"alice","exp":{{now + 600}}}"""));
        var newer = TestToken.Of("alice", new { iat = now + 25, notify_subscribe = "#" }); // within the skew: as if issued later
        await using var first = new StockFollower(server.Url, query: $"?access_token={old}");
        await using var second = new StockFollower(server.Url, query: $"?access_token={newer}");
        await first.ResumeAsync(null, null, "a");
        await second.ResumeAsync(null, null, "a");
        using var stream =
            await server.Http.GetAsync(new Uri($"api/v1/stream?filter=a&access_token={old}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);

        var at = DateTimeOffset.FromUnixTimeSeconds(now + 5).ToString("o", System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(HttpStatusCode.NoContent,
            (await CallAsync(server, HttpMethod.Post, "users/alice/tokens/revoke", Admin, new { issuedBefore = at })).Status);
        await first.Closed.CountAsync(1);
        using (var body = await stream.Content.ReadAsStreamAsync()) await body.CopyToAsync(Stream.Null); // comes to its end
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync(server, HttpMethod.Get, "users/me", old)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync(server, HttpMethod.Get, "users/me", noIat)).Status);
        Assert.Equal(HttpStatusCode.OK, (await CallAsync(server, HttpMethod.Get, "users/me", newer)).Status);
        Assert.Equal(HttpStatusCode.OK, (await CallAsync(server, HttpMethod.Get, "users/me", TestToken.Of("bob"))).Status);
        Assert.Empty(second.Closed.Items);

        // It is in the log: a restart knows it. The last call wins, also with an earlier moment.
        await server.RestartAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync(server, HttpMethod.Get, "users/me", old)).Status);
        Assert.Equal(HttpStatusCode.NoContent,
            (await CallAsync(server, HttpMethod.Post, "users/alice/tokens/revoke", Admin, new { issuedBefore = "2020-01-01T00:00:00Z" })).Status);
        Assert.Equal(HttpStatusCode.OK, (await CallAsync(server, HttpMethod.Get, "users/me", old)).Status);

        await using var third = new StockFollower(server.Url, query: $"?access_token={old}");
        await third.ResumeAsync(null, null, "a");
        Assert.Equal(HttpStatusCode.NoContent, (await CallAsync(server, HttpMethod.Post, "users/me/disconnect", old)).Status);
        await third.Closed.CountAsync(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_fresh_token_narrows_and_widens_a_living_connection(bool messagePack)
    {
        await using var server = await StartAsync();
        var first = TestToken.Of("alice", new { notify_subscribe = new[] { "a/#", "b/#" }, notify_groups = "red" });
        await using var alice = new StockFollower(server.Url, messagePack, query: $"?access_token={first}");
        await alice.ResumeAsync(null, null, "a/#", "b/#");
        async Task<string> RefusedAsync(object argument) =>
            (await Assert.ThrowsAsync<HubException>(() => alice.InvokeAsync<JsonElement>("Reauthenticate", argument))).Message;
        Assert.Contains("unauthenticated: ", await RefusedAsync(new Dictionary<string, object> { ["token"] = "bad" }), StringComparison.Ordinal);
        Assert.Contains("forbidden: ", await RefusedAsync(new Dictionary<string, object> { ["token"] = TestToken.Of("bob", Everything) }),
            StringComparison.Ordinal);
        Assert.Contains("forbidden: ",
            (await Assert.ThrowsAsync<HubException>(() =>
            alice.InvokeAsync<StockPlace>("Subscribe", new Dictionary<string, object> { ["topics"] = new[] { "c" } }))).Message, StringComparison.Ordinal);

        var narrowed =
            await alice.InvokeAsync<StockPlace>("Reauthenticate",
            new Dictionary<string, object> { ["token"] = TestToken.Of("alice", new { notify_subscribe = new[] { "b/#", "c" }, notify_groups = "blue" }) });
        Assert.Equal(["b/#"], narrowed.Topics);
        foreach (var address in new object[] { new { topic = "a/1", body = "no" }, new { group = "red", body = "no" }, new { topic = "b/1", body = "b" },
            new { group = "blue", body = "blue" }, new { user = "alice", body = "own" } })
            Assert.Equal(HttpStatusCode.Created, (await CallAsync(server, HttpMethod.Post, "notifications", Admin, address)).Status);
        Assert.Equal(["b", "blue", "own"], (await alice.Received.CountAsync(3)).Select(n => n.Body));
        await alice.InvokeAsync<StockPlace>("Subscribe", new Dictionary<string, object> { ["topics"] = new[] { "c" } });

        var made = await CallAsync(server, HttpMethod.Post, "keys", Admin, new { name = "k", admin = true });
        await using var key = new StockFollower(server.Url, messagePack, query: $"?access_token={made.Json.GetProperty("key").GetString()}");
        await key.StartAsync();
        Assert.Contains("forbidden: ",
            (await Assert.ThrowsAsync<HubException>(() =>
            key.InvokeAsync<JsonElement>("Reauthenticate", new Dictionary<string, object> { ["token"] = TestToken.Of("alice") }))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_with_ten_thousand_grants_is_taken_by_a_living_connection()
    {
        await using var server = await StartAsync();
        var many = TestToken.Of("alice", new { notify_subscribe = Enumerable.Range(0, 10_000).Select(i => $"t{i}/+").ToArray() });
        foreach (var messagePack in new[] { false, true })
        {
            await using var alice = new StockFollower(server.Url, messagePack, query: $"?access_token={TestToken.Of("alice")}");
            await alice.ResumeAsync(null, null);
            await alice.InvokeAsync<StockPlace>("Reauthenticate", new Dictionary<string, object> { ["token"] = many });
            Assert.Equal(["t9999/+"],
                (await alice.InvokeAsync<StockPlace>("Subscribe", new Dictionary<string, object> { ["topics"] = new[] { "t9999/+" } })).Topics);
        }
    }

    [Fact]
    public async Task Connections_end_thirty_to_forty_seconds_after_their_token_unless_a_fresh_one_came()
    {
        await using var server = await StartAsync();
        var exp = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 20;
        var old = TestToken.Of("alice", new { exp, notify_subscribe = "#" });
        await using var ending = new StockFollower(server.Url, query: $"?access_token={old}");
        await using var renewed = new StockFollower(server.Url, query: $"?access_token={old}");
        await ending.ResumeAsync(null, null, "a");
        await renewed.ResumeAsync(null, null, "a");
        await renewed.InvokeAsync<JsonElement>("Reauthenticate", new { token = TestToken.Of("alice", Everything) });
        using var stream =
            await server.Http.GetAsync(new Uri($"api/v1/stream?filter=a&access_token={old}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await ending.Closed.CountAsync(1);
        Assert.True(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - exp >= 29);
        using (var body = await stream.Content.ReadAsStreamAsync()) await body.CopyToAsync(Stream.Null);
        Assert.Empty(renewed.Closed.Items);
    }

    [Fact]
    public async Task A_key_is_refused_from_its_expiry_on_and_its_connections_end()
    {
        await using var server = await StartAsync();
        var expiresAt = TimeProvider.System.GetUtcNow().AddSeconds(8);
        var made = await CallAsync(server, HttpMethod.Post, "keys", Admin, new { name = "short", subscribe = new[] { "#" }, expiresAt = $"{expiresAt:O}" });
        var key = made.Json.GetProperty("key").GetString()!;
        Assert.Equal(HttpStatusCode.OK, (await CallAsync(server, HttpMethod.Get, "users/me", key)).Status); // and is kept in memory from now on
        await using var follower = new StockFollower(server.Url, query: $"?access_token={key}");
        await follower.ResumeAsync(null, null, "a");

        await follower.Closed.CountAsync(1);
        Assert.True(TimeProvider.System.GetUtcNow() >= expiresAt);
        var refused = await CallAsync(server, HttpMethod.Get, "users/me", key);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.Status);
        Assert.Contains("expired", refused.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_first_key_closes_open_Development_for_good()
    {
        await using var server = await ServerProcess.StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await CallAsync(server, HttpMethod.Get, "users/me?user=alice", null)).Status);
        await using var follower = new StockFollower(server.Url, query: "?user=alice");
        await follower.ResumeAsync(null, null, "a");
        var made = await CallAsync(server, HttpMethod.Post, "keys", null, new { name = "first", admin = true });
        var key = made.Json.GetProperty("key").GetString()!;
        await follower.Closed.CountAsync(1);
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync(server, HttpMethod.Get, "notifications", null)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await CallAsync(server, HttpMethod.Get, "notifications?user=alice", key)).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await CallAsync(server, HttpMethod.Delete, $"keys/{made.Json.GetProperty("id").GetString()}", key)).Status);
        await server.RestartAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync(server, HttpMethod.Get, "notifications", null)).Status);
    }

    [Fact]
    public async Task A_stock_client_comes_back_with_a_fresh_token_after_its_own_ended()
    {
        await using var server = await StartAsync();
        var exp = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 25;
        var current = TestToken.Of("alice", new { exp, notify_subscribe = "#" });
        await using var connection = new HubConnectionBuilder().WithUrl(new Uri(server.Url, "hubs/notifications"), options =>
            options.AccessTokenProvider = () => Task.FromResult<string?>(current)).WithAutomaticReconnect().Build();
        var back = new Observed<string?>();
        connection.Reconnected += id =>
        {
            back.Add(id);
            return Task.CompletedTask;
        };
        await connection.StartAsync();
        await connection.InvokeAsync<StockPlace>("Resume", new { topics = new[] { "a" } });
        current = TestToken.Of("alice", Everything);
        await back.CountAsync(1);
        await connection.InvokeAsync<StockPlace>("Resume", new { topics = new[] { "a" } });
    }

    [Fact]
    public async Task The_commands_print_a_working_key_and_a_working_token_alone()
    {
        using var folder = new TempFolder();
        var key = Assert.Single(await RunAsync(folder, "create-key", "--name", "ops", "--admin", "--expires", "90d"));
        var token = Assert.Single(await RunAsync(folder, "token", "--user", "alice", "--subscribe", "orders/#", "--publish=orders/#", "--for", "5m",
            $"--Notify:Auth:SigningKey={TestToken.Key}"));
        Assert.Contains("is no topic filter", Assert.Single(await RunAsync(folder, "create-key", "--name", "x", "--publish", "a+")), StringComparison.Ordinal);
        Assert.Contains("no key to sign", Assert.Single(await RunAsync(folder, "token", "--user", "alice")), StringComparison.Ordinal);

        await using var server =
            await ServerProcess.StartAsync(("environment", "Production"), ("Notify:Auth:SigningKey", TestToken.Key),
            ("Notify:Storage:SqlitePath", folder.File("data/notify.db")));
        Assert.True((await CallAsync(server, HttpMethod.Get, "users/me", key)).Json.GetProperty("admin").GetBoolean());
        Assert.Equal("""["orders/#"]""", (await CallAsync(server, HttpMethod.Get, "users/me", token)).Json.GetProperty("publish").GetRawText());
    }

    [Fact]
    public async Task The_limit_on_requests_tells_what_is_left()
    {
        await using var server = await StartAsync(("Notify:Limits:RequestsPerSecond", "2"));
        var token = Admin;
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ =>
            CallAsync(server, HttpMethod.Post, "notifications", token, new { topic = "a", title = "x" })));
        Assert.All(answers, answer => Assert.Equal("\"publish\";q=2;w=1", answer.Headers.GetValues("RateLimit-Policy").Single()));
        Assert.All(answers, answer => Assert.Matches("^\"publish\";r=[0-2];t=1$", answer.Headers.GetValues("RateLimit").Single()));
        Assert.Contains(answers, answer => answer.Headers.GetValues("RateLimit").Single() == "\"publish\";r=0;t=1");
    }

    private static string Admin => TestToken.Of("root", new { notify_admin = true });

    private static Task<ServerProcess> StartAsync(params (string Name, string Value)[] settings) =>
        ServerProcess.StartAsync([("environment", "Production"), ("Notify:Auth:SigningKey", TestToken.Key), .. settings]);

    private static async Task<string[]> RunAsync(TempFolder folder, params string[] arguments)
    {
        await using var process =
            ChildProcess.Start("dotnet", [Repository.ServerDll, .. arguments], folder.Path,
            new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Production", ["ASPNETCORE_URLS"] = null });
        await process.WaitForExitAsync(TimeSpan.FromSeconds(90));
        return [.. process.Lines];
    }

    private static async Task<Reply> CallAsync(ServerProcess server, HttpMethod method, string path, string? bearer, object? body = null,
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri($"api/v1/{path}", UriKind.Relative));
        if (bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        if (body is not null) request.Content = JsonContent.Create(body);
        using var response = await server.Http.SendAsync(request);
        return new Reply(response.StatusCode, response.Headers, await response.Content.ReadAsStringAsync());
    }

    private sealed record Reply(HttpStatusCode Status, HttpResponseHeaders Headers, string Text)
    {
        public JsonElement Json => JsonElement.Parse(Text);
    }
}
