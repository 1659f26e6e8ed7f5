using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Hubs;

/// <summary>What the hub refuses, and how: a code, the connection open, the process alive.</summary>
public sealed class HubCallTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    public static TheoryData<object, string> BadResumes => new()
    {
        { new { since = -1 }, "invalid_request: 'since'" },
        { new { since = 9007199254740992 }, "invalid_request: 'since'" },
        { new { epoch = "" }, "invalid_request: 'epoch'" },
        { new { epoch = new string('e', 65) }, "invalid_request: 'epoch'" },
        { new { topics = new[] { "ok", "a/+b" } }, "invalid_filter: '+'" },
        { new { topics = new[] { "#/a" } }, "invalid_filter: '#'" },
        { new { topics = new[] { "" } }, "invalid_filter: " },
        { new { topics = new[] { "a\u0000b" } }, "invalid_filter: " },
        { new { topics = new[] { new string('x', 513) } }, "invalid_filter: " },
        { new { topics = new[] { "$user/alice" } }, "invalid_filter: " },
        { new { topics = Enumerable.Range(0, 1001).Select(i => $"t{i}") }, "invalid_request: At most 1000 filters" },
    };

    public static TheoryData<object, string> BadPublishes => new()
    {
        { new { topic = "hub/a" }, "invalid_request: " },
        { new { title = "no address" }, "invalid_request: " },
        { new { topic = "a/+", title = "x" }, "invalid_topic: " },
        { new { topic = "$group/ops", title = "x" }, "invalid_topic: " },
        { new { topic = "hub/a", title = "x", priority = "loud" }, "invalid_request: " },
        { new { topic = "hub/a", title = "x", link = "javascript:alert(1)" }, "invalid_request: " },
        { new { topic = "hub/a", title = "x", ephemeral = true, idempotencyKey = "k" }, "invalid_request: " },
        { new { topic = "hub/a", body = new string('x', 70_000) }, "payload_too_large: " },
    };

    [Theory]
    [MemberData(nameof(BadResumes), DisableDiscoveryEnumeration = true)]
    public async Task A_bad_Resume_gets_its_code_and_can_be_said_again(object request, string expected)
    {
        await using var client = new StockFollower(fixture.Url);
        await client.StartAsync();
        Assert.Contains(expected, await RefusalAsync(client, "Resume", request), StringComparison.Ordinal);
        Assert.Equal(["hub/good"], (await client.InvokeAsync<StockPlace>("Resume", new { topics = new[] { "hub/good" } })).Topics);
    }

    [Theory]
    [MemberData(nameof(BadPublishes), DisableDiscoveryEnumeration = true)]
    public async Task A_bad_Publish_gets_its_code_in_both_protocols(object request, string expected)
    {
        foreach (var messagePack in new[] { false, true })
        {
            await using var client = new StockFollower(fixture.Url, messagePack);
            await client.StartAsync();
            Assert.Contains(expected, await RefusalAsync(client, "Publish", messagePack ? AsMap(request) : request), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_refused_call_is_no_failure_in_the_log()
    {
        await using var server = await ServerProcess.StartAsync(); // one that nothing else is logged by
        await using var client = new StockFollower(server.Url);
        await client.StartAsync();
        await RefusalAsync(client, "Resume", new { topics = new[] { "#/a" } });
        await RefusalAsync(client, "Publish", new { topic = "a/+", title = "x" });
        await RefusalAsync(client, "Resume", new { since = "text" });
        await server.TerminateAsync();
        Assert.DoesNotContain(server.Output, line =>
            line.Contains("HubException", StringComparison.Ordinal) || line.Contains("HubDispatcher", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Resume_is_first_and_once()
    {
        await using var client = new StockFollower(fixture.Url);
        await client.StartAsync();
        Assert.Contains("invalid_request: Call Resume first", await RefusalAsync(client, "Subscribe", new { topics = new[] { "hub/a" } }),
            StringComparison.Ordinal);
        Assert.Contains("invalid_request: Call Resume first", await RefusalAsync(client, "Unsubscribe", new { topics = new[] { "hub/a" } }),
            StringComparison.Ordinal);
        await client.InvokeAsync<StockPlace>("Resume", new { });
        Assert.Contains("invalid_request: Resume is the first call", await RefusalAsync(client, "Resume", new { }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Subscribe_brings_what_is_above_its_head_and_Unsubscribe_ends_it()
    {
        await using var client = new StockFollower(fixture.Url);
        await client.ResumeAsync(null, null);
        var before = await fixture.Server.PublishAsync("hub/later", "before");
        var subscribed = await client.InvokeAsync<StockPlace>("Subscribe", new { topics = new[] { "hub/later" } });
        Assert.True(subscribed.Head >= before);
        var version = await fixture.Server.PublishAsync("hub/later", "after");
        Assert.Equal(version, (await client.Received.CountAsync(1))[0].Version);

        var left = await client.InvokeAsync<StockPlace>("Unsubscribe", new { topics = new[] { "hub/later" } });
        Assert.Empty(left.Topics);
        await client.InvokeAsync<StockPlace>("Subscribe", new { topics = new[] { "hub/end" } });
        await fixture.Server.PublishAsync("hub/later", "nobody's");
        await fixture.Server.PublishAsync("hub/end", "end");
        Assert.Equal(["after", "end"], (await client.Received.CountAsync(2)).Select(n => n.Body));
    }

    [Fact]
    public async Task A_user_gets_what_is_addressed_to_that_user_and_no_other_does()
    {
        await using var alice = new StockFollower(fixture.Url, query: "?user=alice&device=phone");
        await using var bob = new StockFollower(fixture.Url, query: "?user=bob");
        Assert.Empty((await alice.ResumeAsync(null, null)).Topics);
        await bob.ResumeAsync(null, null, "#");
        await alice.InvokeAsync<StockPlace>("Publish", new { user = "alice", body = "for alice" });
        await alice.InvokeAsync<StockPlace>("Publish", new { topic = "hub/all", body = "for all" });
        Assert.Equal(["for alice"], (await alice.Received.CountAsync(1)).Select(n => n.Body));
        Assert.Equal("$user/alice", alice.Received.Items[0].Topic);
        Assert.Equal(["for all"], (await bob.Received.CountAsync(1)).Where(n => n.Topic == "hub/all" || n.Topic.StartsWith('$')).Select(n => n.Body));
    }

    [Fact]
    public async Task A_durable_subscription_needs_a_user()
    {
        await using var client = new StockFollower(fixture.Url);
        await client.ResumeAsync(null, null);
        Assert.Contains("invalid_request: This connection has no user",
            await RefusalAsync(client, "Subscribe", new { topics = new[] { "a" }, durable = true }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Resume", "topics", true)]
    [InlineData("Publish", "topic", false)]
    [InlineData("Publish", "data", false)]
    public async Task MessagePack_texts_that_are_not_UTF8_are_refused_and_not_mended(string method, string member, bool listed)
    {
        // Half a surrogate pair, as JavaScript clients send it: a string of the bytes ED A0 80.
        byte[] text = [0xA3, 0xED, 0xA0, 0x80];
        byte[] pair = [(byte)(0xA0 + member.Length), .. Encoding.UTF8.GetBytes(member), .. listed ? (byte[])[0x91, .. text] : text];
        byte[] argument = listed ? [0x81, .. pair] : [0x82, .. pair, 0xA5, .. "title"u8, 0xA1, (byte)'x'];
        byte[] call = [0x96, 0x01, 0x80, 0xA1, (byte)'1', (byte)(0xA0 + method.Length), .. Encoding.UTF8.GetBytes(method), 0x91, .. argument, 0x90];

        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(fixture.Url) { Scheme = "ws", Path = "/hubs/notifications" }.Uri, CancellationToken.None);
        await socket.SendAsync("""{"protocol":"messagepack","version":1}"""u8.ToArray().Append((byte)0x1e).ToArray(), WebSocketMessageType.Binary, true, CancellationToken.None);
        await ReadAsync(socket); // the handshake's answer
        await socket.SendAsync(new byte[] { (byte)call.Length }.Concat(call).ToArray(), WebSocketMessageType.Binary, true, CancellationToken.None);
        Assert.Contains($"Failed to invoke '{method}'", Encoding.UTF8.GetString(await ReadAsync(socket)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Resume", """{"since":0,"sinse":1}""")] // an unknown member
    [InlineData("Resume", """{"since":"0"}""")]
    [InlineData("Nothing", "{}")]
    public async Task What_SignalR_cannot_bind_leaves_the_connection_open(string method, string argument)
    {
        await using var client = new StockFollower(fixture.Url);
        await client.StartAsync();
        await Assert.ThrowsAsync<HubException>(() => client.InvokeAsync<StockPlace>(method, JsonElement.Parse(argument)));
        await client.InvokeAsync<StockPlace>("Resume", new { });
    }

    [Theory]
    [InlineData("""{"protocol":"json","version":1}""", "{}{{{\u001e")]
    [InlineData("""{"protocol":"xml","version":1}""", "")]
    [InlineData("""{"protocol":"json","version":1}""", """{"type":1,"target":"Resume","arguments":[{"topics":[{"a":""")]
    [InlineData("GET / HTTP/1.1\u001e", "\u001e\u001e\u001e")]
    public async Task Frames_that_are_none_cost_their_connection_and_nothing_else(string handshake, string frame)
    {
        await using var bystander = new StockFollower(fixture.Url);
        await bystander.ResumeAsync(null, null, "hub/bystander");
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(fixture.Url) { Scheme = "ws", Path = "/hubs/notifications" }.Uri, CancellationToken.None);
        try
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(handshake + "\u001e" + frame), WebSocketMessageType.Text, true, CancellationToken.None);
            await socket.SendAsync(new byte[] { 0xff, 0xfe, 0x1e }, WebSocketMessageType.Binary, true, CancellationToken.None);
            while ((await socket.ReceiveAsync(new byte[4096], TestContext.Current.CancellationToken)).MessageType != WebSocketMessageType.Close)
            {
                // what it is told before the end
            }
        }
        catch (WebSocketException)
        {
            // ended without a close frame, perhaps before the second frame was sent
        }

        Assert.NotEqual(WebSocketState.Open, socket.State);
        var version = await fixture.Server.PublishAsync("hub/bystander", "goes on");
        Assert.Equal(version, (await bystander.Received.CountAsync(1))[0].Version);
        Assert.Equal(0, bystander.Closed.Count);
        await using var client = new StockFollower(fixture.Url);
        await client.ResumeAsync(null, null);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_far_too_long_ends_its_connection_alone_and_what_is_too_long_has_its_code(bool messagePack)
    {
        await using var client = new StockFollower(fixture.Url, messagePack);
        await client.StartAsync();
        Assert.Contains("payload_too_large: ", await RefusalAsync(client, "Publish", Long(1_000_000)), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => client.InvokeAsync<StockPlace>("Publish", Long(1_400_000)));
        await client.Closed.CountAsync(1);
        await fixture.Server.PublishAsync("hub/after", "alive");

        static Dictionary<string, object?> Long(int length) => AsMap(new { topic = "hub/a", body = new string('x', length) });
    }

    [Theory]
    [InlineData(60, "invalid_request: ")]
    [InlineData(70, null)] // SignalR's own JSON reader goes no deeper than 64: it ends the connection
    public async Task JSON_that_is_too_deep_is_refused(int levels, string? code)
    {
        await using var client = new StockFollower(fixture.Url);
        await client.StartAsync();
        var deep = new
        {
            topic = "hub/deep",
            data = JsonElement.Parse(new string('[', levels) + new string(']', levels), new JsonDocumentOptions { MaxDepth = 100 })
        };
        if (code is not null)
        {
            Assert.Contains(code, await RefusalAsync(client, "Publish", deep), StringComparison.Ordinal);
            await client.InvokeAsync<StockPlace>("Resume", new { });
            Assert.Equal(0, client.Closed.Count);
        }
        else
        {
            await Assert.ThrowsAnyAsync<Exception>(() => client.InvokeAsync<StockPlace>("Publish", deep));
            await client.Closed.CountAsync(1);
        }

        await fixture.Server.PublishAsync("hub/after", "alive");
        Assert.Empty(await fixture.Server.ReadAllAsync("hub/deep"));
    }

    [Fact]
    public async Task Negotiation_offers_no_stateful_reconnect()
    {
        // It would count a joined frame as one message; replay replaces it.
        using var response =
            await fixture.Server.Http.PostAsync(new Uri("hubs/notifications/negotiate?negotiateVersion=1&useStatefulReconnect=true", UriKind.Relative), null);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.False(answer.TryGetProperty("useStatefulReconnect", out var offered) && offered.GetBoolean());
        Assert.Equal(3, answer.GetProperty("availableTransports").GetArrayLength());
    }

    [Fact]
    public async Task A_foreign_origin_and_a_bad_user_are_refused_before_there_is_a_connection()
    {
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", "https://evil.example");
        socket.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(() =>
            socket.ConnectAsync(new UriBuilder(fixture.Url) { Scheme = "ws", Path = "/hubs/notifications" }.Uri, CancellationToken.None));
        Assert.Equal(HttpStatusCode.Forbidden, socket.HttpStatusCode);

        using var response = await fixture.Server.Http.PostAsync(new Uri("hubs/notifications/negotiate?negotiateVersion=1&user=a%2Fb", UriKind.Relative), null);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("invalid_request", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_token_in_the_query_is_in_no_log()
    {
        // Whatever an operator turns on to look for a fault.
        await using var server = await ServerProcess.StartAsync(
            ("Logging:LogLevel:Default", "Trace"), ("Logging:LogLevel:Microsoft.AspNetCore", "Trace"), ("Logging:Console:LogLevel:Default", "Trace"));
        await using (var client = new StockFollower(server.Url, query: "?access_token=s3cr3t-token"))
        {
            await client.ResumeAsync(null, null);
            using var stream =
                await server.Http.GetAsync(new Uri("api/v1/stream?filter=a&access_token=s3cr3t-token", UriKind.Relative),
                HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
            using var negotiated =
                await server.Http.PostAsync(new Uri("hubs/notifications/negotiate?negotiateVersion=1&access_token=s3cr3t-token", UriKind.Relative), null);
            Assert.Equal(HttpStatusCode.OK, negotiated.StatusCode);
            using var refused = await server.Http.GetAsync(new Uri("api/v1/stream?filter=%23a&access_token=s3cr3t-token", UriKind.Relative));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }

        await server.TerminateAsync(); // all of the log is there
        Assert.Contains(server.Output, line => line.StartsWith("trce:", StringComparison.Ordinal) || line.Contains("Trace", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Output, line => line.Contains("s3cr3t", StringComparison.Ordinal));
    }

    private static async Task<string> RefusalAsync(StockFollower client, string method, object argument) =>
        (await Assert.ThrowsAsync<HubException>(() => client.InvokeAsync<StockPlace>(method, argument))).Message;

    private static async Task<byte[]> ReadAsync(ClientWebSocket socket)
    {
        var buffer = new byte[4096];
        var received = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
        return buffer[..received.Count];
    }

    private static Dictionary<string, object?> AsMap(object request) =>
        request.GetType().GetProperties().ToDictionary(p => p.Name, p => p.GetValue(request));
}
