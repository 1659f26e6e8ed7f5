using System.Globalization;
using System.Net.Http.Json;
using System.Runtime.Serialization;
using System.Text.Json;
using Notify.Storage.Directory;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;
using Notify.Tests.Streaming;

namespace Notify.Tests.EndToEnd;

/// <summary>Attributes, rules and delivery through the whole service, with the stock client.</summary>
public sealed class RulesEndToEndTests(PostgresCluster cluster)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task A_sensor_that_says_it_is_hot_gets_what_is_published_to_the_group_until_it_has_cooled_down(bool postgres, bool messagePack)
    {
        await using var server = await StartAsync(postgres);
        await PutAsync(server, "hot", """{"rule":"@.kind == 'sensor' && @.self.temperature > 30"}""");
        await ActiveAsync(server, "hot");
        await using var sensor = new StockFollower(server.Url, messagePack, query: "?user=s1");
        await sensor.ResumeAsync(null, null);
        await PatchAsync(server, "users/s1/attributes", """{"kind":"sensor"}""");

        await PublishAsync(server, """{"group":"hot","title":"nobody"}""");
        var said = await sensor.InvokeAsync<Said>("SetAttributes", new { attributes = new { temperature = 30.1, unit = "C" } });
        Assert.Equal(["30.1", "C"], [Text(said.Attributes["temperature"]), Text(said.Attributes["unit"])]);
        await PublishAsync(server, """{"group":"hot","title":"cool down"}""");
        await sensor.InvokeAsync<Said>("SetAttributes", new { attributes = new { temperature = 30 } });
        await PublishAsync(server, """{"group":"hot","title":"nobody again"}""");
        await PublishAsync(server, """{"user":"s1","title":"last"}""");

        await Eventually.TrueAsync(() => sensor.Received.Items.Any(received => received.Title == "last"), "the last one delivered");
        Assert.Equal(["cool down", "last"], sensor.Received.Items.Select(received => received.Title));
        Assert.Equal("""{"items":[]}""", await server.Http.GetStringAsync("/api/v1/users/s1/groups", Stop));
        await RefusedAsync(sensor, new Dictionary<string, object>());
        await RefusedAsync(sensor, new Dictionary<string, object> { ["attributes"] = 1 });
        for (var i = 0; i < 12; i++)
        {
            try
            {
                await sensor.InvokeAsync<Said>("SetAttributes", new { attributes = new { n = i } });
            }
            catch (Microsoft.AspNetCore.SignalR.HubException exception) when (exception.Message.Contains("too_many_requests", StringComparison.Ordinal))
            {
                return;
            }
        }

        Assert.Fail("Twelve at once were taken.");
    }

    [Fact]
    public async Task Work_of_a_node_that_is_gone_is_taken_over()
    {
        var database = cluster.ConnectionString(await cluster.CreateDatabaseAsync());
        await using (var server = await StartAsync(database))
        {
            await PutAsync(server, "g", """{"rule":"@.n >= 0"}""");
            await ActiveAsync(server, "g");
            await PatchAsync(server, "users/u1/attributes", """{"n":1}""");
            await PatchAsync(server, "users/u2/attributes", """{"n":-1}""");
            await server.KillAsync();
        }

        // A node took the work, and no other may while its lease lasts; it never comes back.
        await using (var gone = await PostgresLog.OpenAsync(new() { Postgres = database }, Stop))
        {
            await gone.Directory.ChangeAsync(new(Guid.NewGuid(), [new DirectoryChange.PutGroup("g", "@.n < 0")], new(10, 10)), Stop);
            Assert.NotNull(await gone.Directory.Rules.ClaimAsync(Guid.NewGuid(), TimeSpan.FromSeconds(3), Stop));
            Assert.Null(await gone.Directory.Rules.ClaimAsync(Guid.NewGuid(), TimeSpan.FromSeconds(3), Stop));
        }

        await using var next = await StartAsync(database);
        await ActiveAsync(next, "g");
        Assert.Equal("""{"items":["u2"]}""", await next.Http.GetStringAsync("/api/v1/groups/g/members", Stop));
    }

    [Fact]
    public async Task A_fill_whose_owner_is_killed_in_the_middle_is_taken_over()
    {
        const int Users = 40_100; // the third slice is the last
        var database = await cluster.CreateDatabaseAsync();
        await using var server = await StartAsync(cluster.ConnectionString(database));
        await using var blocker = await cluster.ConnectAsync(database);
        var first = await cluster.ScalarAsync<long>(
            database, $$"""WITH made AS (INSERT INTO notify.users (name, attributes) SELECT 'u' || n, '{"n":1}' FROM generate_series(1, {{Users}}) AS n RETURNING id) SELECT min(id) FROM made""");

        // The group's number is the version of its entry. Its last member is written by a transaction that stays open.
        await using (var held = await blocker.BeginTransactionAsync(Stop))
        {
            await using var insert = new Npgsql.NpgsqlCommand("INSERT INTO notify.memberships (user_id, group_id, since, until) VALUES " +
                $"({first + Users - 50}, 1, 0, {long.MaxValue})", blocker);
            await insert.ExecuteNonQueryAsync(Stop);
            await PutAsync(server, "g", """{"rule":"@.n == 1"}""");
            await Eventually.TrueAsync(
                async () => await cluster.ScalarAsync<long>("postgres",
                    $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock' AND query LIKE '%memberships%'") > 0
                    && await cluster.ScalarAsync<long>(database, "SELECT count(*) FROM notify.memberships") > 0,
                "a part is filled in, and the rest waits");
            await server.KillAsync();
        }

        await using var next = await StartAsync(cluster.ConnectionString(database));
        await ActiveAsync(next, "g");
        Assert.Equal(Users, (await GroupAsync(next, "g")).GetProperty("members").GetInt64());
        Assert.Equal(Users,
            await cluster.ScalarAsync<long>(database, $"SELECT count(*) FROM notify.memberships WHERE group_id = 1 AND until = {long.MaxValue}"));
    }

    [Fact]
    public async Task Nobody_promotes_itself()
    {
        await using var server = await StartAsync(
            false, ("Notify:Auth:SigningKey", TestToken.Key), ("Notify:Auth:AttributeClaims:0", "dept"), ("Notify:Auth:AttributeClaims:1", "tags"));
        var admin = TestToken.Of("root", new { notify_admin = true });
        async Task<int> AsAdminAsync(HttpMethod method, string path, string? json = null) => (await SendAsync(server, admin, method, path, json)).Item1;
        Assert.Equal(201, await AsAdminAsync(HttpMethod.Put, "groups/fans"));
        Assert.Equal(201, await AsAdminAsync(HttpMethod.Put, "groups/admins"));
        Assert.Equal(201, await AsAdminAsync(HttpMethod.Put, "groups/sales", """{"rule":"@.dept == 'sales'"}"""));
        var grants = new { notify_join = new[] { "fans", "sales", "nothing" }, dept = "it" };
        await using var mallory = new StockFollower(server.Url, query: $"?access_token={TestToken.Of("mallory", grants)}");
        await mallory.ResumeAsync(null, null);

        // By attributes: what it says of itself stays below 'self', whatever it is called, and what others say is not its to change.
        foreach (var patch in new object[] { new { dept = "sales" }, new { self = new { dept = "sales" } },
            new Dictionary<string, object> { ["$.dept"] = "sales" } })
            await mallory.InvokeAsync<Said>("SetAttributes", new { attributes = patch });
        Assert.Equal((403, "forbidden"), await SendAsync(server, TestToken.Of("mallory", grants), HttpMethod.Patch, "users/mallory/attributes", """{"dept":"sales"}"""));

        // By names that look like topics, like another group, or like nothing; by a rule's group.
        foreach (var name in new[] { "admins", "fans/../admins", "fans/", "#", "+", "fa+", "$group/admins", "$user/root", "", " fans", "FANS", "sales",
            "nothing", new string('x', 1000) })
            await RefusedJoinAsync(mallory, [name]);
        await RefusedJoinAsync(mallory, ["fans", "admins"]); // all or nothing
        foreach (var topic in new[] { "$group/admins", "$group/#", "$user/root", "$group/+" })
        {
            await Assert.ThrowsAsync<Microsoft.AspNetCore.SignalR.HubException>(() =>
                mallory.InvokeAsync<StockPlace>("Subscribe", new { topics = new[] { topic } }));
            await Assert.ThrowsAsync<Microsoft.AspNetCore.SignalR.HubException>(() =>
                mallory.InvokeAsync<StockPlace>("Subscribe", new { topics = new[] { topic }, durable = true }));
        }

        // By a group that ended: its members are not in the one made again under its name, and have to join anew.
        await mallory.InvokeAsync<JsonElement>("JoinGroups", new { groups = new[] { "fans" } });
        Assert.Equal(204, await AsAdminAsync(HttpMethod.Delete, "groups/fans"));
        await RefusedJoinAsync(mallory, ["fans"]);
        Assert.Equal(201, await AsAdminAsync(HttpMethod.Put, "groups/fans"));
        foreach (var address in new[] { "admins", "sales", "fans" })
            Assert.Equal(201, await AsAdminAsync(HttpMethod.Post, "notifications", $$"""{"group":"{{address}}","title":"{{address}}"}"""));
        await mallory.InvokeAsync<JsonElement>("JoinGroups", new { groups = new[] { "fans" } });
        Assert.Equal(201, await AsAdminAsync(HttpMethod.Post, "notifications", """{"group":"fans","title":"again"}"""));

        // By claims that break the limits of attributes: they are not taken, and that is logged, without their value.
        object tooDeep = "secret-value";
        for (var i = 0; i < 12; i++) tooDeep = new[] { tooDeep };
        var later = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 5; // of one second, a later token's claims are not looked at
        var swollen = TestToken.Of("mallory", new { iat = later, dept = "sales", tags = tooDeep });
        await using var again = new StockFollower(server.Url, query: $"?access_token={swollen}");
        await again.ResumeAsync(null, null);
        await Eventually.TrueAsync(() =>
            server.Output.Any(line => line.Contains("were not taken as attributes", StringComparison.Ordinal)), "the refused claims are logged");
        Assert.DoesNotContain(server.Output, line =>
            line.Contains("secret-value", StringComparison.Ordinal) || line.Contains("mallory", StringComparison.Ordinal));

        Assert.Equal(201, await AsAdminAsync(HttpMethod.Post, "notifications", """{"group":"sales","title":"sales"}"""));
        Assert.Equal(201, await AsAdminAsync(HttpMethod.Post, "notifications", """{"user":"mallory","title":"last"}"""));
        await Eventually.TrueAsync(() => mallory.Received.Items.Any(received => received.Title == "last"), "the last one delivered");
        Assert.Equal(["again", "last"], mallory.Received.Items.Select(received => received.Title));
    }

    [Fact]
    public async Task A_rule_changed_again_and_again_ends_as_the_last_one()
    {
        await using var server = await StartAsync(postgres: false);
        for (var i = 0; i < 5; i++) await PatchAsync(server, $"users/u{i}/attributes", $$"""{"n":{{i}}}""");
        for (var i = 0; i < 20; i++)
        {
            await PutAsync(server, "g", $$"""{"rule":"@.n <= {{i % 5}}"}""");
            await PatchAsync(server, $"users/u{i % 5}/attributes", $$"""{"n":{{(i + 1) % 5}}}""");
        }

        await ActiveAsync(server, "g");
        Assert.Equal(5, (await GroupAsync(server, "g")).GetProperty("members").GetInt64());
        await PutAsync(server, "g", """{"rule":"@.n == 3"}""");
        await ActiveAsync(server, "g");
        Assert.Equal("""{"items":["u2"]}""", await server.Http.GetStringAsync("/api/v1/groups/g/members", Stop));
    }

    [Fact]
    public async Task Attributes_and_rules_are_refused_by_the_contract()
    {
        await using var server = await StartAsync(false, ("Notify:Auth:SigningKey", TestToken.Key), ("Notify:Auth:AttributeClaims:0", "dept"));
        var admin = TestToken.Of("root", new { notify_admin = true });
        var alice = TestToken.Of("alice", new { dept = "sales" });
        Assert.Equal((404, "not_found"), await SendAsync(server, alice, HttpMethod.Get, "users/alice/attributes"));
        Assert.Equal((403, "forbidden"), await SendAsync(server, alice, HttpMethod.Patch, "users/alice/attributes", "{}"));
        Assert.Equal((403, "forbidden"), await SendAsync(server, alice, HttpMethod.Patch, "users/bob/attributes/self", "{}"));
        Assert.Equal((200, ""), await SendAsync(server, alice, HttpMethod.Patch, "users/me/attributes/self", """{"x":1}"""));
        Assert.Equal((200, ""), await SendAsync(server, admin, HttpMethod.Get, "users/nobody/attributes"));
        Assert.Equal((400, "invalid_request"), await SendAsync(server, admin, HttpMethod.Patch, "users/bob/attributes", """{"self":{}}"""));
        Assert.Equal((400, "invalid_request"), await SendAsync(server, admin, HttpMethod.Patch, "users/bob/attributes", """{"a":1,"a":2}"""));
        Assert.Equal((400, "invalid_request"), await SendAsync(server, admin, HttpMethod.Patch, "users/bob/attributes", "["));
        Assert.Equal((415, "unsupported_media_type"), await SendAsync(server, admin, HttpMethod.Patch, "users/bob/attributes", "{}", "text/plain"));
        Assert.Equal((200, ""), await SendAsync(server, admin, HttpMethod.Patch, "users/bob/attributes", """{"b":1}""", "application/merge-patch+json"));
        Assert.Equal((400, "invalid_request"), await SendAsync(server, admin, HttpMethod.Put, "groups/g", """{"rule":"@.x =="}"""));
        Assert.Equal((400, "invalid_request"), await SendAsync(server, admin, HttpMethod.Post, "groups/g/preview", "{}"));
        Assert.Equal((403, "forbidden"), await SendAsync(server, alice, HttpMethod.Post, "groups/g/preview", """{"rule":"@.x == 1"}"""));
        Assert.Equal((404, "not_found"), await SendAsync(server, admin, HttpMethod.Get, "groups/g/members/bob"));

        // Claims become attributes on connect; an older token takes nothing back.
        await using var follower = new StockFollower(server.Url, query: $"?access_token={alice}");
        await follower.ResumeAsync(null, null);
        Assert.Equal("""{"dept":"sales","self":{"x":1}}""", await SortedAsync(server, admin, "alice"));
        var older = TestToken.Hmac("""{"alg":"HS256","typ":"JWT"}""", $$"""{"sub":"alice","dept":"old","iat":{{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 100}},"exp":{{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 600}}}""");
        await using var late = new StockFollower(server.Url, query: $"?access_token={older}");
        await late.ResumeAsync(null, null);
        Assert.Equal("""{"dept":"sales","self":{"x":1}}""", await SortedAsync(server, admin, "alice"));

        // An event stream connects too, and a fresh token on a living connection stands for a connect with it.
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        using var stream = await EventStream.OpenAsync(server.Http, $"access_token={TestToken.Of("alice", new { iat = now + 5, dept = "support" })}");
        Assert.Equal("""{"dept":"support","self":{"x":1}}""", await SortedAsync(server, admin, "alice"));
        await follower.InvokeAsync<JsonElement>("Reauthenticate", new { token = TestToken.Of("alice", new { iat = now + 10, dept = "legal" }) });
        Assert.Equal("""{"dept":"legal","self":{"x":1}}""", await SortedAsync(server, admin, "alice"));
    }

    private static async Task<string> SortedAsync(ServerProcess server, string token, string user)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/users/{user}/attributes");
        request.Headers.Authorization = new("Bearer", token);
        using var response = await server.Http.SendAsync(request, Stop);
        return JsonSerializer.Serialize(JsonSerializer.Deserialize<SortedDictionary<string, JsonElement>>(await response.Content.ReadAsStringAsync(Stop)));
    }

    private static async Task<(int, string)> SendAsync(ServerProcess server, string token, HttpMethod method, string path, string? json = null,
        string type = "application/json")
    {
        using var request = new HttpRequestMessage(method, $"/api/v1/{path}");
        request.Headers.Authorization = new("Bearer", token);
        if (json is not null) request.Content = new StringContent(json, new System.Net.Http.Headers.MediaTypeHeaderValue(type));
        using var response = await server.Http.SendAsync(request, Stop);
        var text = await response.Content.ReadAsStringAsync(Stop);
        return ((int)response.StatusCode, response.IsSuccessStatusCode ? "" : JsonElement.Parse(text).GetProperty("code").GetString()!);
    }

    private static async Task RefusedAsync(StockFollower follower, Dictionary<string, object> argument)
    {
        var refused = await Assert.ThrowsAsync<Microsoft.AspNetCore.SignalR.HubException>(() => follower.InvokeAsync<Said>("SetAttributes", argument));
        Assert.Contains("HubException: invalid_request: ", refused.Message, StringComparison.Ordinal);
    }

    private static Task<Microsoft.AspNetCore.SignalR.HubException> RefusedJoinAsync(StockFollower follower, string[] groups) =>
        Assert.ThrowsAsync<Microsoft.AspNetCore.SignalR.HubException>(() => follower.InvokeAsync<JsonElement>("JoinGroups", new { groups }));

    private static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private Task<ServerProcess> StartAsync(bool postgres, params (string, string)[] settings) =>
        postgres ? OnPostgresAsync() : ServerProcess.StartAsync(settings);

    private async Task<ServerProcess> OnPostgresAsync() => await StartAsync(cluster.ConnectionString(await cluster.CreateDatabaseAsync()));

    private static Task<ServerProcess> StartAsync(string database) => ServerProcess.StartAsync(("ConnectionStrings:Postgres", database));

    private static Task ActiveAsync(ServerProcess server, string group) =>
        Eventually.TrueAsync(async () => !(await GroupAsync(server, group)).TryGetProperty("pending", out _), "the rule worked through");

    private static Task<JsonElement> GroupAsync(ServerProcess server, string group) =>
        server.Http.GetFromJsonAsync<JsonElement>($"/api/v1/groups/{group}", Stop);

    private static Task PutAsync(ServerProcess server, string group, string json) => OkAsync(server, HttpMethod.Put, $"groups/{group}", json);

    private static Task PatchAsync(ServerProcess server, string path, string json) => OkAsync(server, HttpMethod.Patch, path, json);

    private static Task PublishAsync(ServerProcess server, string json) => OkAsync(server, HttpMethod.Post, "notifications", json);

    private static async Task OkAsync(ServerProcess server, HttpMethod method, string path, string json)
    {
        using var request =
            new HttpRequestMessage(method,
            $"/api/v1/{path}")
            { Content = new StringContent(json, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")) };
        using var response = await server.Http.SendAsync(request, Stop);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Stop));
    }

    [DataContract]
    public sealed record Said
    {
        [DataMember(Name = "attributes")] public Dictionary<string, object> Attributes { get; init; } = [];
    }
}
