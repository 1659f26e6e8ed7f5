using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Authentication;

/// <summary>
/// Small messages that claim to be large, deep ones, and such as never end: each costs its own connection or call at most. The server
/// keeps its memory and its other clients.
/// </summary>
[Collection(nameof(GuardedServer))]
public sealed class BombTests(GuardedServer fixture)
{
    private const long MostGrowth = 256 * 1024 * 1024;
    private const int Levels = 100_000;

    private static readonly byte[] Call = [0x96, 0x01, 0x80, 0xa1, (byte)'1', 0xa6, .. "Resume"u8, 0x91];

    public static TheoryData<string, byte[]> Bombs => new()
    {
        { "a message that is an array of four billion", [0xdd, 0xff, 0xff, 0xff, 0xff] },
        { "four billion arguments", [.. Call[..^1], 0xdd, 0xff, 0xff, 0xff, 0xff] },
        { "a map of four billion", [.. Call, 0xdf, 0xff, 0xff, 0xff, 0xff] },
        { "four billion filters", [.. Call, 0x81, 0xa6, .. "topics"u8, 0xdd, 0xff, 0xff, 0xff, 0xff] },
        { "a text of four billion bytes", [.. Call, 0x81, 0xa5, .. "epoch"u8, 0xdb, 0xff, 0xff, 0xff, 0xff] },
        { "bytes, four billion", [.. Call, 0x81, 0xa5, .. "epoch"u8, 0xc6, 0xff, 0xff, 0xff, 0xff] },
        { "an extension of four billion bytes", [.. Call, 0xc9, 0xff, 0xff, 0xff, 0xff, 0x01] },
        { "four billion headers", [0x96, 0x01, 0xdf, 0xff, 0xff, 0xff, 0xff] },
        { "deep arrays", [.. Call, .. Enumerable.Repeat((byte)0x91, Levels)] },
        { "deep maps", [.. Call, .. Enumerable.Repeat(new byte[] { 0x81, 0xa1, (byte)'a' }, Levels).SelectMany(map => map)] },
        { "deep data",
            [0x96, 0x01, 0x80, 0xa1, (byte)'1', 0xa7, .. "Publish"u8, 0x91, 0x82, 0xa5, .. "topic"u8, 0xa1, (byte)'a', 0xa4, .. "data"u8,
            .. Enumerable.Repeat((byte)0x91, Levels), 0xc0] },
    };

    [Theory]
    [MemberData(nameof(Bombs), DisableDiscoveryEnumeration = true)]
    public async Task A_MessagePack_bomb_costs_its_connection_at_most(string what, byte[] message)
    {
        Assert.NotEmpty(what);
        var before = fixture.Server.ResidentBytes;
        await using var bystander = await FollowAsync();
        using var socket = await ConnectAsync("messagepack");
        await socket.SendAsync(Framed(message), WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);

        // It answers a refusal, or closes; a ping of ours tells which when it says nothing.
        await socket.SendAsync(Framed([0x91, 0x06]), WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);
        var answer = Encoding.UTF8.GetString(await ReceiveAsync(socket));
        Assert.True(answer.Length == 0 || answer.Contains("Connection closed", StringComparison.Ordinal)
            || answer.Contains("invalid_request", StringComparison.Ordinal), answer);
        await AliveAsync(bystander, before);
    }

    [Theory]
    [InlineData("json")]
    [InlineData("messagepack")]
    public async Task A_hub_message_without_an_end_is_cut_off(string protocol)
    {
        var before = fixture.Server.ResidentBytes;
        await using var bystander = await FollowAsync();
        using var socket = await ConnectAsync(protocol);
        var type = protocol == "json" ? WebSocketMessageType.Text : WebSocketMessageType.Binary;
        var part = Enumerable.Repeat((byte)'x', 64 * 1024).ToArray();
        var sent = 0L;
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            // a gigabyte follows
            if (protocol != "json") await socket.SendAsync(new byte[] { 0x80, 0x80, 0x80, 0x80, 0x04 }, type, false, TestContext.Current.CancellationToken);
            for (; sent < MostGrowth; sent += part.Length) await socket.SendAsync(part, type, false, TestContext.Current.CancellationToken);
        });
        Assert.True(sent < MostGrowth);
        await AliveAsync(bystander, before);
    }

    [Fact]
    public async Task A_body_without_an_end_is_cut_off()
    {
        var before = fixture.Server.ResidentBytes;
        await using var bystander = await FollowAsync();
        foreach (var path in new[] { "api/v1/notifications", "api/v1/topics/a", "api/v1/keys", "api/v1/groups/g/members", "api/v1/users/alice/inbox/read" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = new Endless() };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", GuardedServer.Admin);
            try
            {
                using var response = await fixture.Server.Http.SendAsync(request, TestContext.Current.CancellationToken);
                Assert.Equal((path, HttpStatusCode.RequestEntityTooLarge), (path, response.StatusCode));
            }
            catch (HttpRequestException)
            {
                // It answered and closed while the client was still sending.
            }
        }

        await AliveAsync(bystander, before);
    }

    [Fact]
    public async Task Deep_JSON_is_refused_by_every_call_that_takes_a_body_and_in_a_token()
    {
        await using var bystander = await FollowAsync();
        var deep = new string('[', Levels / 4) + new string(']', Levels / 4);
        foreach (var (method, path, body) in new[]
        {
            (HttpMethod.Post, "notifications", $$"""{"topic":"a","data":{{deep}}}"""), (HttpMethod.Post, "notifications", deep), (HttpMethod.Post, "notifications/batch", $$"""{"notifications":{{deep}}}"""),
            (HttpMethod.Post, "topics/a", deep), (HttpMethod.Post, "keys", $$"""{"name":{{deep}}}"""), (HttpMethod.Put, "groups/g", $$"""{"rule":{{deep}}}"""),
            (HttpMethod.Post, "groups/g/members", $$"""{"add":{{deep}}}"""), (HttpMethod.Patch, "users/alice/attributes", $$"""{"a":{{deep}}}"""),
            (HttpMethod.Post, "users/alice/subscriptions", $$"""{"topics":{{deep}}}"""), (HttpMethod.Post, "users/alice/inbox/read", $$"""{"versions":{{deep}}}"""),
            (HttpMethod.Post, "users/alice/tokens/revoke", deep),
        })
        {
            using var request =
                new HttpRequestMessage(method,
                new Uri($"api/v1/{path}", UriKind.Relative))
                { Content = new StringContent(body, Encoding.UTF8, "application/json") };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", GuardedServer.Admin);
            using var response = await fixture.Server.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal((path, HttpStatusCode.BadRequest), (path, response.StatusCode));
        }

        var token = TestToken.Hmac("""{"alg":"HS256"}""", $$"""{"sub":"alice","x":{{deep}}}""");
        await using var client = new StockFollower(fixture.Server.Url, query: $"?access_token={TestToken.Of("alice")}");
        await client.ResumeAsync(null, null);
        var refused =
            await Assert.ThrowsAsync<Microsoft.AspNetCore.SignalR.HubException>(() => client.InvokeAsync<StockPlace>("Reauthenticate", new { token }));
        Assert.Contains("unauthenticated: ", refused.Message, StringComparison.Ordinal);
        Assert.Empty(client.Closed.Items);
        await AliveAsync(bystander, fixture.Server.ResidentBytes);
    }

    private static byte[] Framed(byte[] message)
    {
        var length = new List<byte>();
        for (var rest = (uint)message.Length; ; rest >>= 7)
        {
            length.Add((byte)(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest));
            if (rest <= 0x7f) return [.. length, .. message];
        }
    }

    private async Task<ClientWebSocket> ConnectAsync(string protocol)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(fixture.Server.Url)
        {
            Scheme = "ws",
            Path = "/hubs/notifications",
            Query = $"access_token={TestToken.Of("mallory")}"
        }.Uri, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.UTF8.GetBytes($$"""{"protocol":"{{protocol}}","version":1}""" + '\u001e'), WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);
        Assert.Equal("{}\u001e", Encoding.UTF8.GetString(await ReceiveAsync(socket)));
        return socket;
    }

    /// <summary>One message; empty when the server closed.</summary>
    private static async Task<byte[]> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            var received = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
            return received.MessageType == WebSocketMessageType.Close ? [] : buffer[..received.Count];
        }
        catch (WebSocketException)
        {
            return [];
        }
    }

    private async Task<StockFollower> FollowAsync()
    {
        var follower = new StockFollower(fixture.Server.Url, query: $"?access_token={GuardedServer.Admin}");
        await follower.ResumeAsync(null, null, "bombs/after");
        return follower;
    }

    private async Task AliveAsync(StockFollower bystander, long before)
    {
        await bystander.InvokeAsync<System.Text.Json.JsonElement>("Publish", new { topic = "bombs/after", title = "alive" });
        await bystander.Received.CountAsync(1);
        Assert.Empty(bystander.Closed.Items);
        Assert.InRange(fixture.Server.ResidentBytes - before, long.MinValue, MostGrowth);
    }

    private sealed class Endless : HttpContent
    {
        public Endless() => Headers.ContentType = new MediaTypeHeaderValue("application/json");

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var part = Enumerable.Repeat((byte)' ', 64 * 1024).ToArray();
            for (var sent = 0L; sent < MostGrowth; sent += part.Length) await stream.WriteAsync(part);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
