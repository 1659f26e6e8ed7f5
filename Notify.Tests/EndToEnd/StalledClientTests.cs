using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

public class StalledClientTests
{
    private const int Stalled = 5;
    private const int Notifications = 3000; // 48 MB, far beyond what sockets take unread
    private const int Before = 4500; // fills the ring, so that what grows after it is what stalled clients cost
    private const int All = Before + Notifications;
    private static readonly string Body = new('x', 16 * 1024);

    [Fact]
    public async Task Stalled_clients_cost_others_nothing_and_the_server_little_and_get_everything_on_return()
    {
        await using var server = await ServerProcess.StartAsync();
        await PublishAsync(server, Before);
        await using var healthy = new StockFollower(server.Url);
        await healthy.ResumeAsync(0, null, "load/#");
        List<(ClientWebSocket Socket, int Port)> stalled = [];
        try
        {
            await healthy.Received.CountAsync(Before, TimeSpan.FromSeconds(60));
            for (var i = 0; i < Stalled; i++) stalled.Add(await ConnectAndNeverReadAsync(server.Url));
            var before = server.ResidentBytes;
            await PublishAsync(server, Notifications);

            var received = await healthy.Received.CountAsync(All, TimeSpan.FromSeconds(60));
            Assert.Equal(Enumerable.Range(1, All).Select(i => (long)i), received.Select(n => n.TopicSeq!.Value));
            var growth = server.ResidentBytes - before;
            Assert.True(growth < 64_000_000, $"The server grew by {growth / 1_000_000} MB.");

            await ClosedByServerAsync(server.Url.Port, [.. stalled.Select(s => s.Port)]);
        }
        finally
        {
            stalled.ForEach(s => s.Socket.Dispose());
        }

        await using var back = new StockFollower(server.Url);
        await back.ResumeAsync(0, null, "load/#");
        await back.CaughtUp.CountAsync(1, TimeSpan.FromSeconds(60));
        Assert.Equal(Enumerable.Range(1, All).Select(i => (long)i), back.Received.Items.Select(n => n.TopicSeq!.Value));
    }

    private static async Task PublishAsync(ServerProcess server, int count)
    {
        for (var i = 0; i < count; i++) await server.PublishAsync("load/a", Body);
    }

    // A WebSocket that is open and whose receive is never called: the peer's view of a laptop that was closed.
    private static async Task<(ClientWebSocket Socket, int Port)> ConnectAndNeverReadAsync(Uri server)
    {
        var tcp = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = async (context, token) =>
            {
                await tcp.ConnectAsync(context.DnsEndPoint, token);
                return new NetworkStream(tcp, ownsSocket: true);
            },
        });
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = "/hubs/notifications" }.Uri, http, CancellationToken.None);
        await SendAsync(socket, """{"protocol":"json","version":1}""");
        await SendAsync(socket, """{"type":1,"invocationId":"1","target":"Resume","arguments":[{"since":0,"topics":["load/#"]}]}""");
        return (socket, ((System.Net.IPEndPoint)tcp.LocalEndPoint!).Port);
    }

    private static Task SendAsync(ClientWebSocket socket, string message) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(message + '\u001e'), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    // Asked of the system and not of the client's sockets: the server's FIN waits behind all the bytes nobody reads, and
    // to read them would wake the client up.
    private static async Task ClosedByServerAsync(int serverPort, HashSet<int> clientPorts)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections().Any(c =>
            c.LocalEndPoint.Port == serverPort && clientPorts.Contains(c.RemoteEndPoint.Port) && c.State == TcpState.Established))
            await pause.WaitForNextTickAsync(deadline.Token);
    }
}
