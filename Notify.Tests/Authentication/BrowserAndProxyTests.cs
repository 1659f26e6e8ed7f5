using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Notify.Tests.Cluster;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Authentication;

/// <summary>Pages of other origins, and what a proxy says of a request.</summary>
[Collection(nameof(GuardedServer))]
public sealed class BrowserAndProxyTests(GuardedServer fixture)
{
    private const string Foreign = "https://shop.example";

    [Fact]
    public async Task A_refused_origin_is_403_everywhere_counted_each_time_and_logged_now_and_then_with_what_to_set()
    {
        var before = await RefusedAsync();
        for (var i = 0; i < 5; i++)
        {
            foreach (var (method, path) in new[]
            {
                (HttpMethod.Get, "api/v1/notifications"), (HttpMethod.Post, "api/v1/notifications"), (HttpMethod.Options, "api/v1/notifications"),
                    (HttpMethod.Get, "api/v1/stream?filter=a"),
                (HttpMethod.Post, "hubs/notifications/negotiate?negotiateVersion=1"), (HttpMethod.Get, "hubs/notifications"),
            })
            {
                using var answer = await SendAsync(method, path, ("Origin", Foreign), ("Authorization", $"Bearer {GuardedServer.Admin}"));
                Assert.Equal((path, HttpStatusCode.Forbidden), (path, answer.StatusCode));
                Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
            }
        }

        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", Foreign);
        socket.Options.SetRequestHeader("Cookie", "session=stolen");
        socket.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(() =>
            socket.ConnectAsync(new UriBuilder(fixture.Server.Url)
            {
                Scheme = "ws",
                Path = "/hubs/notifications",
                Query = $"access_token={GuardedServer.Admin}"
            }.Uri, TestContext.Current.CancellationToken));
        Assert.Equal(HttpStatusCode.Forbidden, socket.HttpStatusCode);

        await Eventually.TrueAsync(async () => await RefusedAsync() == before + 31, "all 31 are counted"); // a scrape is kept for a moment
        var lines = fixture.Server.Output.Where(line => line.Contains("was refused", StringComparison.Ordinal)).ToArray();
        Assert.InRange(lines.Length, 1, 5); // 31 of them, at most one line each half minute
        Assert.Contains(Foreign, lines[0], StringComparison.Ordinal);
        Assert.Contains($"Notify__AllowedOrigins__0={Foreign}", lines[0], StringComparison.Ordinal);
        Assert.Contains($"\"AllowedOrigins\": [\"{Foreign}\"]", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Below_a_proxys_path_the_Location_the_document_and_the_page_are_right()
    {
        (string, string)[] proxy =
            [("X-Forwarded-Prefix", "/alerts"), ("X-Forwarded-Proto", "https"), ("Host", "shop.example"), ("Authorization", $"Bearer {GuardedServer.Admin}")];
        using var posted = await SendAsync(HttpMethod.Post, "api/v1/topics/proxied", [.. proxy, ("Origin", Foreign)]); // its own origin, as the browser has it
        Assert.Equal(HttpStatusCode.Created, posted.StatusCode);
        Assert.StartsWith("/alerts/api/v1/notifications/", posted.Headers.Location!.ToString(), StringComparison.Ordinal);

        using var document = await SendAsync(HttpMethod.Get, "openapi/v1.json", proxy);
        var json = JsonElement.Parse(await document.Content.ReadAsStringAsync());
        Assert.Equal("https://shop.example/alerts", json.GetProperty("servers")[0].GetProperty("url").GetString());
        Assert.All(json.GetProperty("paths").EnumerateObject(), path => Assert.StartsWith("/api/v1/", path.Name, StringComparison.Ordinal));

        // Whatever the page names is relative to it.
        using var page = await SendAsync(HttpMethod.Get, "", proxy);
        var html = await page.Content.ReadAsStringAsync();
        Assert.Matches("(src|href)=\"[a-z]", html);
        Assert.DoesNotMatch("(src|href)=\"/", html);
    }

    private Task<double> RefusedAsync() => NodePair.CountedAsync(fixture.Server, "notify_connections_refused", "reason=\"origin\"");

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(fixture.Server.Url, path));
        if (method == HttpMethod.Post) request.Content = new StringContent("text");
        if (method == HttpMethod.Options) request.Headers.Add("Access-Control-Request-Method", "POST");
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await fixture.Server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }
}
