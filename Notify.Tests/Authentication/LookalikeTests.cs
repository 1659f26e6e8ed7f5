using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Authentication;

/// <summary>Names that look like what was granted, or are made to reach beyond it, at every way in: REST, the hub in both protocols, the stream.</summary>
[Collection(nameof(GuardedServer))]
public sealed class LookalikeTests(GuardedServer fixture)
{
    [Theory]
    [InlineData("caf\u00e9/#", "cafe\u0301/1", false)] // NFC was granted, NFD is another name
    [InlineData("cafe\u0301/#", "caf\u00e9/1", false)]
    [InlineData("a/#", "\uff41/1", false)] // a full-width a
    [InlineData("a/#", "a\uff0f1", false)] // a full-width slash: one segment
    [InlineData("a/#", "A/1", false)]
    [InlineData("a/b/#", "a/../b/1", false)]
    [InlineData("a/b/#", "a//b", false)]
    [InlineData("a/b/#", "/a/b", false)]
    [InlineData("a/+", "a/b/c", false)]
    [InlineData("a/#", "a\u200b/1", false)] // a space without width
    [InlineData("a/#", "#", true)]
    [InlineData("a/#", "+/#", true)]
    [InlineData("a/#", "+/1", true)]
    [InlineData("tenant/a/#", "tenant/+/x", true)]
    [InlineData("a/+", "a/#", true)]
    [InlineData("a/#", "a/../#", false, true)] // an ordinary segment: below a
    public async Task Only_what_was_granted_is_allowed(string granted, string asked, bool isFilter, bool isCovered = false)
    {
        var token = TestToken.Of("alice", new { notify_subscribe = granted, notify_publish = granted });
        var escaped = Uri.EscapeDataString(asked);
        Assert.Equal(isCovered ? 200 : 403, await StatusAsync(HttpMethod.Get, $"notifications?filter={escaped}", token));
        Assert.Equal(isCovered ? 200 : 403, await StatusAsync(HttpMethod.Get, $"stream?filter={escaped}&access_token={token}", null));
        Assert.Equal(isCovered ? 200 : 403, await StatusAsync(HttpMethod.Post, "users/alice/subscriptions", token, new { topics = new[] { asked } }));
        if (!isFilter && !asked.Contains('#', StringComparison.Ordinal))
        {
            Assert.Equal(403, await StatusAsync(HttpMethod.Post, "notifications", token, new { topic = asked, title = "x" }));
            Assert.Equal(403, await StatusAsync(HttpMethod.Post, $"topics/{escaped}", token, "x"));
        }

        foreach (var messagePack in new[] { false, true })
        {
            await using var client = await ConnectAsync(messagePack, token);
            var expected = isCovered ? null : "forbidden";
            Assert.Equal(expected, await CodeAsync(client, "Subscribe", new() { ["topics"] = new[] { asked } }));
            Assert.Equal(expected, await CodeAsync(client, "Subscribe", new() { ["topics"] = new[] { asked }, ["durable"] = true }));
            if (!isFilter && !asked.Contains('#', StringComparison.Ordinal))
                Assert.Equal("forbidden", await CodeAsync(client, "Publish", new() { ["topic"] = asked, ["title"] = "x" }));
        }
    }

    [Theory]
    [InlineData("a\0b")]
    [InlineData("a\u001fb")]
    [InlineData("a\u0085b")]
    [InlineData("$user/bob")]
    [InlineData("$group/ops")]
    [InlineData("$SYS/x")]
    public async Task Names_that_no_caller_may_use_are_refused_to_an_administrator_too(string name)
    {
        var escaped = Uri.EscapeDataString(name);
        Assert.Equal(400, await StatusAsync(HttpMethod.Get, $"notifications?filter={escaped}", GuardedServer.Admin));
        Assert.Equal(400, await StatusAsync(HttpMethod.Get, $"stream?filter={escaped}&access_token={GuardedServer.Admin}", null));
        Assert.Equal(400, await StatusAsync(HttpMethod.Post, "notifications", GuardedServer.Admin, new { topic = name, title = "x" }));
        foreach (var messagePack in new[] { false, true })
        {
            await using var client = await ConnectAsync(messagePack, GuardedServer.Admin);
            Assert.Equal("invalid_filter", await CodeAsync(client, "Subscribe", new() { ["topics"] = new[] { name } }));
            Assert.Equal("invalid_topic", await CodeAsync(client, "Publish", new() { ["topic"] = name, ["title"] = "x" }));
        }
    }

    [Theory]
    [InlineData("\"a\\ud800\"")]
    [InlineData("\"\\udc00a\"")]
    [InlineData("\"a\\u0000\"")]
    public async Task Half_a_surrogate_pair_and_NUL_are_refused_wherever_a_name_is_read(string json)
    {
        foreach (var (path, body) in new[]
        {
            ("notifications", $$"""{"topic":{{json}},"title":"x"}"""), ("notifications", $$"""{"user":{{json}},"title":"x"}"""), ("notifications", $$"""{"group":{{json}},"title":"x"}"""),
            ("keys", $$"""{"name":{{json}}}"""), ("keys", $$"""{"name":"x","publish":[{{json}}]}"""), ("groups/g/members", $$"""{"add":[{{json}}]}"""),
            ("users/alice/subscriptions", $$"""{"topics":[{{json}}]}"""), ("users/alice/inbox/seen", $$"""{"upTo":1,"filter":{{json}}}"""),
        })
        {
            using var content = new StringContent(body, new MediaTypeHeaderValue("application/json"));
            Assert.Equal((path, body, 400), (path, body, await StatusAsync(HttpMethod.Post, path, GuardedServer.Admin, content)));
        }

        // In a claim it makes no user, no grant and no attribute, or the token is none.
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var token = TestToken.Hmac("""{"alg":"HS256"}""", $$"""{"sub":{{json}},"exp":{{now + 60}},"notify_subscribe":[{{json}}],"notify_groups":[{{json}}],"notify_join":[{{json}}]}""");
        using var me = await SendAsync(HttpMethod.Get, "users/me", token, null);
        if ((int)me.StatusCode != 401) Assert.Equal("""{"admin":false,"publish":[],"subscribe":[],"join":[],"groups":[],"tokenGroups":[]}""", await me.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("a%2Fb")]
    [InlineData("a%2fb")]
    [InlineData("a+b")]
    [InlineData("a%2Bb")]
    [InlineData("a%23b")]
    [InlineData("%24alice")]
    [InlineData("%2e%2e%2Falice")]
    [InlineData("a%01")]
    public async Task An_id_that_is_none_is_refused_in_every_path_and_as_a_device(string id)
    {
        foreach (var path in new[] { $"users/{id}/groups", $"users/{id}/devices", $"users/{id}/subscriptions", $"users/{id}/inbox", $"users/{id}/attributes",
            $"groups/{id}", $"groups/{id}/members" })
            Assert.Equal((path, 400), (path, await StatusAsync(HttpMethod.Get, path, GuardedServer.Admin)));
        foreach (var path in new[] { $"users/{id}/disconnect", $"users/{id}/tokens/revoke" })
            Assert.Equal((path, 400), (path, await StatusAsync(HttpMethod.Post, path, GuardedServer.Admin)));
        if (id.Contains('+', StringComparison.Ordinal)) return; // a space in a query
        Assert.Equal(400, await StatusAsync(HttpMethod.Get, $"users/me?device={id}", GuardedServer.Admin));
        Assert.Equal(400, await StatusAsync(HttpMethod.Get, $"stream?filter=a&device={id}&access_token={GuardedServer.Admin}", null));
        var query = $"negotiateVersion=1&device={id}&access_token={GuardedServer.Admin}";
        using var negotiate = await fixture.Server.Http.PostAsync(new Uri($"hubs/notifications/negotiate?{query}", UriKind.Relative), null);
        Assert.Equal(400, (int)negotiate.StatusCode);
    }

    private async Task<StockFollower> ConnectAsync(bool messagePack, string token)
    {
        var client = new StockFollower(fixture.Server.Url, messagePack, query: $"?access_token={token}");
        await client.ResumeAsync(null, null);
        return client;
    }

    private static async Task<string?> CodeAsync(StockFollower client, string method, Dictionary<string, object> argument)
    {
        try
        {
            await client.InvokeAsync<JsonElement>(method, argument);
            return null;
        }
        catch (HubException refused)
        {
            return refused.Message.Split("HubException: ")[^1].Split(':')[0];
        }
    }

    private async Task<int> StatusAsync(HttpMethod method, string path, string? token, object? body = null)
    {
        using var response = await SendAsync(method, path, token, body);
        return (int)response.StatusCode;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? token, object? body)
    {
        using var request = new HttpRequestMessage(method, new Uri($"api/v1/{path}", UriKind.Relative));
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Content = body switch { null => null, HttpContent content => content, string text => new StringContent(text), _ => JsonContent.Create(body) };
        return await fixture.Server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }
}
