using System.Net;
using System.Net.Sockets;

namespace Notify.Tests.Fixtures;

public sealed class ReservedPortTests
{
    [Fact]
    public async Task It_stays_reserved_while_its_server_is_away_and_takes_the_server_again()
    {
        using var port = new ReservedPort();
        for (var round = 0; round < 2; round++)
        {
            using (var server = new TcpListener(IPAddress.Loopback, port.Number))
            {
                server.Start();
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port.Number, TestContext.Current.CancellationToken);
            }

            using var refused = new TcpClient();
            var failure = await Assert.ThrowsAsync<SocketException>(() =>
                refused.ConnectAsync(IPAddress.Loopback, port.Number, TestContext.Current.CancellationToken).AsTask());
            Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
        }
    }
}
