using System.Net;
using System.Net.Sockets;

namespace Notify.Tests.Fixtures;

public sealed class TcpSwitchTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_hears_that_its_node_reset_the_connection()
    {
        using var node = new TcpListener(IPAddress.Loopback, 0);
        node.Start();
        await using var balancer = new TcpSwitch(new Uri($"http://127.0.0.1:{((IPEndPoint)node.LocalEndpoint).Port}"));
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, balancer.Url.Port, Cancel);
        await client.GetStream().WriteAsync("a request"u8.ToArray(), Cancel);

        using (var taken = await node.AcceptSocketAsync(Cancel))
        {
            await taken.ReceiveAsync(new byte["a request".Length], SocketFlags.None, Cancel); // the balancer waits for more, both ways
            taken.Close(0); // reset, as by a node that stops with unread bytes
        }

        var heard = ReadAsync();
        Assert.Same(heard, await Task.WhenAny(heard, Task.Delay(TimeSpan.FromSeconds(30), TimeProvider.System, Cancel)));

        async Task ReadAsync()
        {
            try
            {
                Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1], Cancel));
            }
            catch (IOException)
            {
                // Reset here too.
            }
        }
    }
}
