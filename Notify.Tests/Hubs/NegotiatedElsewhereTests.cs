using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Hubs;

/// <summary>A client asks one node for a connection, and its WebSocket arrives at another.</summary>
public class NegotiatedElsewhereTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_WebSocket_is_taken() => Assert.Equal("{}", await ShakeHandsAsync("?id=an-id-of-another-node"));

    [Fact]
    public async Task One_negotiated_here_is_the_one_that_was_negotiated()
    {
        var token = await NegotiateAsync();
        Assert.Equal("{}", await ShakeHandsAsync($"?id={token}"));
        using var again = await fixture.Server.Http.GetAsync(new Uri($"hubs/notifications?id={token}", UriKind.Relative), Cancel);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, again.StatusCode); // used, and gone: it did not stay behind while another was made
    }

    [Fact]
    public async Task What_else_is_refused_stays_so()
    {
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", "https://elsewhere.example");
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(Address("?id=an-id-of-another-node"), Cancel));
        using var poll = await fixture.Server.Http.GetAsync(new Uri("hubs/notifications?id=an-id-of-another-node", UriKind.Relative), Cancel);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, poll.StatusCode);
    }

    private Uri Address(string query) => new UriBuilder(new Uri(fixture.Url, "/hubs/notifications")) { Scheme = "ws", Query = query }.Uri;

    private async Task<string> NegotiateAsync()
    {
        using var answer = await fixture.Server.Http.PostAsync(new Uri("hubs/notifications/negotiate?negotiateVersion=1", UriKind.Relative), null, Cancel);
        return JsonElement.Parse(await answer.Content.ReadAsStringAsync(Cancel)).GetProperty("connectionToken").GetString()!;
    }

    // JSON's handshake (SignalR's hub protocol): a record that ends with the separator 0x1E, answered by an empty one.
    private async Task<string> ShakeHandsAsync(string query)
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(Address(query), Cancel);
        await socket.SendAsync(Encoding.UTF8.GetBytes("{\"protocol\":\"json\",\"version\":1}\u001e"), WebSocketMessageType.Text, true, Cancel);
        var buffer = new byte[1024];
        var received = await socket.ReceiveAsync(buffer, Cancel);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);
        return Encoding.UTF8.GetString(buffer, 0, received.Count).TrimEnd('\u001e');
    }
}
