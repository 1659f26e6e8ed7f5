using System.Net.Http.Json;
using System.Runtime.Serialization;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.People;

/// <summary>Groups, durable subscriptions and devices over REST and hub, with stock clients against a real server.</summary>
public sealed class PeopleCallTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task A_group_is_made_once_listed_by_prefix_and_ended()
    {
        Assert.Equal((201, """{"name":"shop-a","members":0}"""), await SendAsync("PUT", "groups/shop-a"));
        Assert.Equal((200, """{"name":"shop-a","members":0}"""), await SendAsync("PUT", "groups/shop-a", "{}"));
        await SendAsync("PUT", "groups/shop-b");
        Assert.Equal((204, ""), await SendAsync("PUT", "groups/shop-a/members/alice"));
        Assert.Equal((204, ""), await SendAsync("PUT", "groups/shop-a/members/alice"));
        Assert.Equal((200, """{"added":2,"removed":1,"members":2}"""), await SendAsync("POST", "groups/shop-a/members", """{"add":["bob","carol"],"remove":["alice"]}"""));
        Assert.Equal((200, """{"items":["bob","carol"]}"""), await SendAsync("GET", "groups/shop-a/members"));
        var (_, first) = await SendAsync("GET", "groups/shop-a/members?limit=1");
        var next = JsonElement.Parse(first).GetProperty("next").GetString();
        Assert.Equal((200, """{"items":["carol"]}"""), await SendAsync("GET", $"groups/shop-a/members?after={next}"));
        Assert.Equal((200, """{"items":["shop-a"]}"""), await SendAsync("GET", "users/bob/groups"));
        Assert.Equal((200, """{"items":[{"name":"shop-a","members":2}],"next":"shop-a"}"""), await SendAsync("GET", "groups?prefix=shop-&limit=1"));
        Assert.Equal((200, """{"items":[{"name":"shop-b","members":0}]}"""), await SendAsync("GET", "groups?prefix=shop-&after=shop-a"));
        Assert.Equal((204, ""), await SendAsync("DELETE", "groups/shop-a"));
        Assert.Equal(404, (await SendAsync("GET", "groups/shop-a")).Status);
        Assert.Equal(404, (await SendAsync("DELETE", "groups/shop-a")).Status);
        Assert.Equal((200, """{"items":[]}"""), await SendAsync("GET", "users/bob/groups"));
        Assert.Equal((201, """{"name":"shop-a","members":0}"""), await SendAsync("PUT", "groups/shop-a"));
    }

    [Theory]
    [InlineData("PUT", "groups/a%2Fb", null, 400, "invalid_request")]
    [InlineData("PUT", "groups/%24x", null, 400, "invalid_request")]
    [InlineData("PUT", "groups/me", null, 400, "invalid_request")]
    [InlineData("PUT", "groups/ok", """{"rule":"@.a ="}""", 400, "invalid_request")]
    [InlineData("PUT", "groups/ok", """{"rules":"x"}""", 400, "invalid_request")]
    [InlineData("PUT", "groups/none/members/alice", null, 404, "not_found")]
    [InlineData("POST", "groups/none/members", """{"add":["alice"]}""", 404, "not_found")]
    [InlineData("POST", "groups/none/members", """{"add":["alice"],"remove":["alice"]}""", 400, "invalid_request")]
    [InlineData("POST", "groups/none/members", """{"add":["a/b"]}""", 400, "invalid_request")]
    [InlineData("POST", "groups/none/members", """{"add":"alice"}""", 400, "invalid_request")]
    [InlineData("GET", "groups/none/members", null, 404, "not_found")]
    [InlineData("GET", "groups?limit=0", null, 400, "invalid_request")]
    [InlineData("GET", "groups?limit=1001", null, 400, "invalid_request")]
    [InlineData("GET", "users/me/groups", null, 400, "invalid_request")]
    [InlineData("POST", "users/alice/subscriptions", """{"topics":["a/#/b"]}""", 400, "invalid_filter")]
    [InlineData("POST", "users/alice/subscriptions", "{}", 400, "invalid_request")]
    public async Task A_mistake_is_named(string method, string path, string? body, int status, string code)
    {
        var (given, text) = await SendAsync(method, path, body);
        Assert.Equal((status, code), (given, JsonElement.Parse(text).GetProperty("code").GetString()));
    }

    [Fact]
    public async Task More_than_a_thousand_members_in_one_call_are_refused()
    {
        var users = Enumerable.Range(0, 1001).Select(i => $"u{i}").ToArray();
        await SendAsync("PUT", "groups/many");
        Assert.Equal(400, (await SendAsync("POST", "groups/many/members", JsonSerializer.Serialize(new { add = users }))).Status);
        Assert.Equal(400, (await SendAsync("POST", "groups/many/members", JsonSerializer.Serialize(new { add = users[..600], remove = users[600..] }))).Status);
        Assert.Equal((200, """{"added":1000,"removed":0,"members":1000}"""), await SendAsync("POST", "groups/many/members", JsonSerializer.Serialize(new { add = users[..1000] })));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_user_joins_and_leaves_over_the_hub_and_gets_what_was_published_in_between(bool messagePack)
    {
        var group = $"hub-{messagePack}";
        var user = $"joiner-{messagePack}";
        await SendAsync("PUT", $"groups/{group}");
        await using var client = new StockFollower(fixture.Url, messagePack, query: $"?user={user}");
        var place = await client.ResumeAsync(null, null);
        await PublishAsync(new { group, title = "before" });

        Assert.Equal([group], (await client.InvokeAsync<StockGroups>("JoinGroups", Groups(group))).Groups);
        var first = await PublishAsync(new { group, title = "in" });
        Assert.Empty((await client.InvokeAsync<StockGroups>("LeaveGroups", Groups(group))).Groups);
        await PublishAsync(new { group, title = "after" });
        var mark = await PublishAsync(new { user, title = "end" });
        await client.Received.UntilAsync(received => received.Any(n => n.Version == mark));
        Assert.Equal([first, mark], client.Received.Items.Select(n => n.Version));

        await using var again = new StockFollower(fixture.Url, messagePack, query: $"?user={user}");
        await again.ResumeAsync(place.Head, place.Epoch);
        await again.Received.UntilAsync(received => received.Any(n => n.Version == mark));
        Assert.Equal([first, mark], again.Received.Items.Select(n => n.Version));
    }

    [Fact]
    public async Task A_durable_subscription_comes_on_every_device_until_it_is_removed()
    {
        await using var laptop = new StockFollower(fixture.Url, query: "?user=dora&device=laptop");
        await laptop.ResumeAsync(null, null);
        var answer = await laptop.InvokeAsync<JsonElement>("Subscribe", new { topics = new[] { "durable/#" }, durable = true });
        Assert.Empty(answer.GetProperty("topics").EnumerateArray());
        var first = await fixture.Server.PublishAsync("durable/1", "x");
        Assert.True(answer.GetProperty("head").GetInt64() < first);

        await using var phone = new StockFollower(fixture.Url, query: "?user=dora&device=phone");
        await phone.ResumeAsync(answer.GetProperty("head").GetInt64(), null);
        await laptop.Received.UntilAsync(received => received.Any(n => n.Version == first));
        await phone.Received.UntilAsync(received => received.Any(n => n.Version == first));

        Assert.Equal((200, """{"topics":["durable/#"]}"""), await SendAsync("GET", "users/dora/subscriptions"));
        Assert.Equal((200, """{"topics":[]}"""), await SendAsync("POST", "users/dora/subscriptions/remove", """{"topics":["durable/#","never"]}"""));
        await fixture.Server.PublishAsync("durable/2", "x");
        var mark = await PublishAsync(new { user = "dora", title = "end" });
        await phone.Received.UntilAsync(received => received.Any(n => n.Version == mark));
        Assert.Equal([first, mark], phone.Received.Items.Select(n => n.Version));
    }

    [Fact]
    public async Task A_device_that_acknowledges_goes_on_there_and_is_listed_until_it_is_forgotten()
    {
        var first = await PublishAsync(new { user = "erin", title = "1" });
        await using (var phone = new StockFollower(fixture.Url, query: "?user=erin&device=phone"))
        {
            await phone.ResumeAsync(first - 1, null);
            await phone.Received.UntilAsync(received => received.Any(n => n.Version == first));
            var tooFar = await Assert.ThrowsAsync<HubException>(() => phone.InvokeAsync<JsonElement?>("Ack", new { version = first + 100 }));
            Assert.Contains("invalid_request: ", tooFar.Message, StringComparison.Ordinal);
            await phone.InvokeAsync<JsonElement?>("Ack", new { version = first });
        }

        var missed = await PublishAsync(new { user = "erin", title = "2" });
        await Eventually.TrueAsync(
            async () => (await SendAsync("GET", "users/erin/devices")).Body.Contains($"\"device\":\"phone\",\"version\":{first},\"seenAt\":",
                StringComparison.Ordinal),
            "stored at the end of the connection");
        await using var back = new StockFollower(fixture.Url, query: "?user=erin&device=phone");
        Assert.Equal(first, (await back.ResumeAsync(null, null)).Since);
        await back.Received.UntilAsync(received => received.Any(n => n.Version == missed));
        Assert.Equal([missed], back.Received.Items.Select(n => n.Version));
        await back.StopAsync();

        Assert.Equal((204, ""), await SendAsync("DELETE", "users/erin/devices/phone"));
        Assert.Equal((204, ""), await SendAsync("DELETE", "users/erin/devices/phone"));
    }

    /// <summary>The answer as a stock client's own class has it.</summary>
    [DataContract]
    public sealed class StockGroups
    {
        [DataMember(Name = "groups"), System.Text.Json.Serialization.JsonPropertyName("groups")] public string[] Groups { get; set; } = [];
    }

    private static Dictionary<string, string[]> Groups(string group) => new() { ["groups"] = [group] };

    private async Task<long> PublishAsync(object notification)
    {
        using var response = await fixture.Server.Http.PostAsJsonAsync(new Uri("api/v1/notifications", UriKind.Relative), notification);
        return JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("version").GetInt64();
    }

    private async Task<(int Status, string Body)> SendAsync(string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"api/v1/{path}", UriKind.Relative));
        if (body is not null) request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await fixture.Server.Http.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
