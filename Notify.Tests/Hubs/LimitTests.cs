using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Hubs;

public sealed class LimitTests
{
    [Fact]
    public async Task A_user_has_as_many_connections_as_are_allowed_and_one_more_when_one_has_left()
    {
        await using var server = await ServerProcess.StartAsync(("Notify:Limits:ConnectionsPerUser", "2"));
        await using var first = new StockFollower(server.Url, query: "?user=alice");
        await using var second = new StockFollower(server.Url, query: "?user=alice");
        await first.ResumeAsync(null, null);
        await second.ResumeAsync(null, null);
        Assert.Equal(HttpStatusCode.TooManyRequests, await NegotiateAsync(server, "alice"));
        var stream = await server.Http.GetStringAsync(new Uri("api/v1/stream?filter=a&user=alice", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Matches("^: too_many_requests: [^\n]+\nretry: [2-4][0-9]{3}\n\n$", stream); // a browser comes back from this, and from no 429
        Assert.Equal(HttpStatusCode.OK, await NegotiateAsync(server, "bob"));

        await first.StopAsync();
        await Eventually.TrueAsync(async () => await NegotiateAsync(server, "alice") == HttpStatusCode.OK, "the place is free");
    }

    [Fact]
    public async Task Publishing_faster_than_allowed_is_refused_on_the_hub_as_over_HTTP()
    {
        await using var server = await ServerProcess.StartAsync(("Notify:Limits:RequestsPerSecond", "3"));
        await using var client = new StockFollower(server.Url, query: "?user=alice");
        await client.StartAsync();
        // All at once: of those sent one by one a slow machine makes fewer than three a second.
        var calls = Enumerable.Range(0, 50).Select(_ => client.InvokeAsync<JsonElement>("Publish", new { topic = "a", title = "x" })).ToArray();
        var error = await Assert.ThrowsAsync<HubException>(() => Task.WhenAll(calls));
        Assert.Contains("too_many_requests: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(calls, call => call.IsCompletedSuccessfully);

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ =>
            server.Http.PostAsJsonAsync(new Uri("api/v1/notifications?user=alice", UriKind.Relative), new { topic = "a", title = "x" })));
        var refused = answers.First(answer => answer.StatusCode != HttpStatusCode.Created);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
    }

    private static async Task<HttpStatusCode> NegotiateAsync(ServerProcess server, string user)
    {
        using var response = await server.Http.PostAsync(new Uri($"hubs/notifications/negotiate?negotiateVersion=1&user={user}", UriKind.Relative), null);
        return response.StatusCode;
    }
}
