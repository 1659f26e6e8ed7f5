using System.Net.Http.Headers;
using System.Reflection;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Notify.Server;
using Notify.Server.Hosting;
using Notify.Server.Hubs;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Authentication;

/// <summary>
/// Every route and every hub method, called by every kind of caller. The lists come from the running service: a route or a method
/// without a row fails, so that every way in says which callers may take it.
/// </summary>
public sealed class RouteMatrixTests
{
    private const string Id = "0198c0de-0000-7000-8000-000000000001";

    // Callers: without a credential · a user without grants · a user with them (granted/#) · a key with them · an administrator.
    private static readonly Dictionary<string, Row> Routes = new(StringComparer.Ordinal)
    {
        ["POST /api/v1/notifications"] = new("notifications", """{"topic":"granted/1","title":"x"}""", 401, 403, 201, 201, 201),
        ["GET /api/v1/notifications"] = new("notifications?filter=granted/%23", null, 401, 403, 200, 200, 200),
        ["HEAD /api/v1/notifications"] = new("notifications?filter=granted/%23", null, 401, 403, 200, 200, 200),
        ["POST /api/v1/notifications/batch"] = new("notifications/batch", """{"notifications":[{"topic":"granted/1","title":"x"}]}""", 401, 200, 200, 200, 200), // each item has its own status
        ["GET /api/v1/notifications/{id}"] = new($"notifications/{Id}", null, 401, 404, 404, 404, 404),
        ["HEAD /api/v1/notifications/{id}"] = new($"notifications/{Id}", null, 401, 404, 404, 404, 404),
        ["POST /api/v1/topics/{**topic}"] = new("topics/granted/1", "text", 401, 403, 201, 201, 201),
        ["GET /api/v1/stream"] = new("stream?filter=granted/%23", null, 401, 403, 200, 200, 200),
        ["HEAD /api/v1/stream"] = new("stream?filter=granted/%23", null, 401, 200, 200, 200, 200), // says only that it is there
        ["POST /api/v1/keys"] = new("keys", """{"name":"x"}""", 401, 403, 403, 403, 201),
        ["GET /api/v1/keys"] = new("keys", null, 401, 404, 404, 404, 200),
        ["HEAD /api/v1/keys"] = new("keys", null, 401, 404, 404, 404, 200),
        ["DELETE /api/v1/keys/{id}"] = new("keys/0123456789abcdef", null, 401, 403, 403, 403, 404),
        ["GET /api/v1/users/me"] = new("users/me", null, 401, 200, 200, 200, 200),
        ["HEAD /api/v1/users/me"] = new("users/me", null, 401, 200, 200, 200, 200),
        ["POST /api/v1/users/{user}/disconnect"] = new("users/somebody/disconnect", null, 401, 403, 403, 403, 204),
        ["GET /api/v1/groups"] = new("groups", null, 401, 404, 404, 404, 200),
        ["HEAD /api/v1/groups"] = new("groups", null, 401, 404, 404, 404, 200),
        ["PUT /api/v1/groups/{group}"] = new("groups/matrix", "{}", 401, 403, 403, 403, 201),
        ["GET /api/v1/groups/{group}"] = new("groups/none", null, 401, 404, 404, 404, 404),
        ["HEAD /api/v1/groups/{group}"] = new("groups/none", null, 401, 404, 404, 404, 404),
        ["DELETE /api/v1/groups/{group}"] = new("groups/none", null, 401, 403, 403, 403, 404),
        ["POST /api/v1/groups/{group}/members"] = new("groups/none/members", """{"add":["somebody"]}""", 401, 403, 403, 403, 404),
        ["GET /api/v1/groups/{group}/members"] = new("groups/none/members", null, 401, 404, 404, 404, 404),
        ["HEAD /api/v1/groups/{group}/members"] = new("groups/none/members", null, 401, 404, 404, 404, 404),
        ["GET /api/v1/groups/{group}/members/{user}"] = new("groups/none/members/somebody", null, 401, 404, 404, 404, 404),
        ["HEAD /api/v1/groups/{group}/members/{user}"] = new("groups/none/members/somebody", null, 401, 404, 404, 404, 404),
        ["POST /api/v1/groups/{group}/preview"] = new("groups/none/preview", """{"rule":"@.x == 1"}""", 401, 403, 403, 403, 200),
        ["GET /api/v1/users/{user}/attributes"] = new("users/alice/attributes", null, 401, 404, 404, 404, 200),
        ["HEAD /api/v1/users/{user}/attributes"] = new("users/alice/attributes", null, 401, 404, 404, 404, 200),
        ["PATCH /api/v1/users/{user}/attributes"] = new("users/alice/attributes", """{"x":1}""", 401, 403, 403, 403, 200),
        ["PATCH /api/v1/users/{user}/attributes/self"] = new("users/alice/attributes/self", """{"x":1}""", 401, 403, 200, 403, 200),
        ["PUT /api/v1/groups/{group}/members/{user}"] = new("groups/none/members/somebody", null, 401, 403, 403, 403, 404),
        ["DELETE /api/v1/groups/{group}/members/{user}"] = new("groups/none/members/somebody", null, 401, 403, 403, 403, 404),
        ["GET /api/v1/users/{user}/groups"] = new("users/somebody/groups", null, 401, 404, 404, 404, 200),
        ["HEAD /api/v1/users/{user}/groups"] = new("users/somebody/groups", null, 401, 404, 404, 404, 200),
        ["GET /api/v1/users/{user}/subscriptions"] = new("users/somebody/subscriptions", null, 401, 404, 404, 404, 200),
        ["HEAD /api/v1/users/{user}/subscriptions"] = new("users/somebody/subscriptions", null, 401, 404, 404, 404, 200),
        ["POST /api/v1/users/{user}/subscriptions"] = new("users/alice/subscriptions", """{"topics":["granted/1"]}""", 401, 403, 200, 403, 200),
        ["POST /api/v1/users/{user}/subscriptions/remove"] = new("users/alice/subscriptions/remove", """{"topics":["granted/1"]}""", 401, 403, 200, 403, 200),
        ["GET /api/v1/users/{user}/devices"] = new("users/me/devices", null, 401, 200, 200, 400, 200),
        ["HEAD /api/v1/users/{user}/devices"] = new("users/me/devices", null, 401, 200, 200, 400, 200),
        ["DELETE /api/v1/users/{user}/devices/{device}"] = new("users/alice/devices/phone", null, 401, 403, 204, 403, 204),
        ["GET /api/v1/users/{user}/inbox"] = new("users/alice/inbox", null, 401, 404, 200, 404, 200),
        ["HEAD /api/v1/users/{user}/inbox"] = new("users/alice/inbox", null, 401, 404, 200, 404, 200),
        ["GET /api/v1/users/{user}/inbox/summary"] = new("users/alice/inbox/summary", null, 401, 404, 200, 404, 200),
        ["HEAD /api/v1/users/{user}/inbox/summary"] = new("users/alice/inbox/summary", null, 401, 404, 200, 404, 200),
        ["POST /api/v1/users/{user}/inbox/read"] = new("users/alice/inbox/read", """{"versions":[1]}""", 401, 403, 200, 403, 200),
        ["POST /api/v1/users/{user}/inbox/unread"] = new("users/alice/inbox/unread", """{"versions":[1]}""", 401, 403, 200, 403, 200),
        ["POST /api/v1/users/{user}/inbox/seen"] = new("users/alice/inbox/seen", """{"versions":[1]}""", 401, 403, 200, 403, 200),
        ["POST /api/v1/users/{user}/inbox/archive"] = new("users/alice/inbox/archive", """{"versions":[1]}""", 401, 403, 200, 403, 200),
        ["POST /api/v1/users/{user}/inbox/unarchive"] = new("users/alice/inbox/unarchive", """{"versions":[1]}""", 401, 403, 200, 403, 200),
        ["GET /api/v1/presence"] = new("presence?topic=granted/1", null, 401, 403, 200, 200, 200),
        ["HEAD /api/v1/presence"] = new("presence?topic=granted/1", null, 401, 403, 200, 200, 200),
        ["GET /api/v1/users/{user}/presence"] = new("users/alice/presence", null, 401, 404, 200, 404, 200),
        ["HEAD /api/v1/users/{user}/presence"] = new("users/alice/presence", null, 401, 404, 200, 404, 200),
        ["GET /api/v1/users/{user}/explain"] = new("users/alice/explain?version=1", null, 401, 404, 404, 404, 404), // version 1 is the key of this test
        ["HEAD /api/v1/users/{user}/explain"] = new("users/alice/explain?version=1", null, 401, 404, 404, 404, 404),
        ["GET /api/v1/stats"] = new("stats", null, 401, 404, 404, 404, 200),
        ["HEAD /api/v1/stats"] = new("stats", null, 401, 404, 404, 404, 200),
        ["POST /api/v1/users/{user}/tokens/revoke"] = new("users/somebody/tokens/revoke", null, 401, 403, 403, 403, 204),
    };

    // The same callers but the first, which cannot connect; null: accepted.
    private static readonly Dictionary<string, (object Argument, string?[] Codes)> Methods = new(StringComparer.Ordinal)
    {
        [nameof(NotifyHub.Resume)] = (new { topics = new[] { "granted/#" } }, ["forbidden", null, null, null]),
        [nameof(NotifyHub.Subscribe)] = (new { topics = new[] { "granted/+" } }, ["forbidden", null, null, null]),
        [nameof(NotifyHub.Unsubscribe)] = (new { topics = new[] { "granted/+" } }, [null, null, null, null]),
        [nameof(NotifyHub.Publish)] = (new { topic = "granted/1", title = "x" }, ["forbidden", null, null, null]),
        [nameof(NotifyHub.Ack)] = (new { version = 0 }, ["invalid_request", "invalid_request", "invalid_request", "invalid_request"]), // these name no device
        [nameof(NotifyHub.JoinGroups)] = (new { groups = new[] { "none" } }, ["forbidden", "forbidden", "invalid_request", "not_found"]),
        [nameof(NotifyHub.LeaveGroups)] = (new { groups = new[] { "none" } }, ["forbidden", "forbidden", "invalid_request", "not_found"]),
        [nameof(NotifyHub.WatchPresence)] = (new { topics = new[] { "granted/1" } }, ["forbidden", null, null, null]),
        [nameof(NotifyHub.UnwatchPresence)] = (new { topics = new[] { "granted/1" } }, [null, null, null, null]),
        [nameof(NotifyHub.SetAttributes)] = (new { attributes = new { x = 1 } }, [null, null, "invalid_request", null]),
        [nameof(NotifyHub.Reauthenticate)] = (new { token = TestToken.Of("root", new { notify_admin = true }) }, ["forbidden", "forbidden", "forbidden", null]),
    };

    [Fact]
    public async Task Every_route_and_hub_method_answers_every_caller_as_its_row_says()
    {
        using var folder = new TempFolder();
        await using var app = await StartAsync(folder);
        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        using var http = new HttpClient { BaseAddress = new Uri(address, "/api/v1/") };
        var admin = TestToken.Of("root", new { notify_admin = true });
        await Eventually.TrueAsync(async () =>
            (int)await StatusAsync(http, HttpMethod.Get, new Row("users/me", null, 0, 0, 0, 0, 0), admin) == 200, "the service is ready");
        var key = await KeyAsync(http, admin);
        var granted = TestToken.Of("alice", new { notify_subscribe = "granted/#", notify_publish = "granted/#" });
        string?[] callers = [null, TestToken.Of("nobody"), granted, key, admin];

        var routes = ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/api/v1", StringComparison.Ordinal))
            .SelectMany(endpoint =>
                endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Select(method => $"{method} {endpoint.RoutePattern.RawText}") ?? []);
        foreach (var route in routes.Distinct().Order(StringComparer.Ordinal))
        {
            Assert.True(Routes.TryGetValue(route, out var row), $"{route} has no row: say what each caller gets.");
            var statuses = new List<int>();
            foreach (var caller in callers) statuses.Add(await StatusAsync(http, new HttpMethod(route.Split(' ')[0]), row, caller));
            Assert.Equal((route, string.Join(' ', row.Expected)), (route, string.Join(' ', statuses)));
        }

        var methods = typeof(NotifyHub).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(method => !method.IsSpecialName && method.GetBaseDefinition() == method).Select(method => method.Name);
        foreach (var method in methods)
        {
            Assert.True(Methods.TryGetValue(method, out var row), $"The hub method {method} has no row: say what each caller gets.");
            for (var i = 1; i < callers.Length; i++)
            {
                await using var client = new StockFollower(address, query: $"?access_token={callers[i]}");
                if (method == nameof(NotifyHub.Resume)) await client.StartAsync();
                else await client.ResumeAsync(null, null);
                Assert.Equal((method, i, row.Codes[i - 1]), (method, i, await CodeAsync(client, method, row.Argument)));
            }
        }
    }

    private static async Task<WebApplication> StartAsync(TempFolder folder)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection([new("Urls", "http://127.0.0.1:0"), new("Notify:Storage:SqlitePath", folder.File("notify.db")),
            new("Notify:Auth:SigningKey", TestToken.Key)]);
        builder.Logging.ClearProviders();
        builder.AddProcess();
        builder.Services.AddNotify(builder.Configuration, builder.Environment);
        var app = builder.Build();
        app.MapNotify();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }

    private static async Task<string> KeyAsync(HttpClient http, string admin)
    {
        using var request = Request(HttpMethod.Post, new Row("keys", """{"name":"k","publish":["granted/#"],"subscribe":["granted/#"]}""", 0, 0, 0, 0, 0), admin);
        using var response = await http.SendAsync(request);
        return System.Text.Json.JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("key").GetString()!;
    }

    private static async Task<int> StatusAsync(HttpClient http, HttpMethod method, Row row, string? bearer)
    {
        using var request = Request(method, row, bearer);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return (int)response.StatusCode;
    }

    private static HttpRequestMessage Request(HttpMethod method, Row row, string? bearer)
    {
        var request = new HttpRequestMessage(method, new Uri(row.Path, UriKind.Relative));
        if (bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        if (row.Body is { } body) request.Content = new StringContent(body, Encoding.UTF8, body.StartsWith('{') ? "application/json" : "text/plain");
        return request;
    }

    private static async Task<string?> CodeAsync(StockFollower client, string method, object argument)
    {
        try
        {
            await client.InvokeAsync<System.Text.Json.JsonElement>(method, argument);
            return null;
        }
        catch (HubException refused)
        {
            return refused.Message.Split("HubException: ")[^1].Split(':')[0];
        }
    }

    private sealed record Row(string Path, string? Body, params int[] Expected);
}
