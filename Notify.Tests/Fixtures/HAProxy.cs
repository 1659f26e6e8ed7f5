using System.Net;
using System.Net.Sockets;

namespace Notify.Tests.Fixtures;

/// <summary>A real HAProxy with a configuration of the test's own.</summary>
internal sealed class HAProxy : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private HAProxy(ChildProcess process) => _process = process;

    /// <summary>What it said so far: among others which servers went down and came up.</summary>
    public IReadOnlyList<string> Lines => _process.Lines;

    public static async Task<HAProxy> StartAsync(TempFolder folder, string configuration, int port)
    {
        await File.WriteAllTextAsync(folder.File("haproxy.cfg"), configuration + '\n');
        var program = File.Exists("/usr/sbin/haproxy") ? "/usr/sbin/haproxy" : "haproxy";
        var proxy = new HAProxy(ChildProcess.Start(program, ["-db", "-f", folder.File("haproxy.cfg")], folder.Path));
        try
        {
            await Eventually.SucceedsAsync<bool, SocketException>(
                async () =>
                {
                    Assert.False(proxy._process.HasExited, string.Join('\n', proxy._process.Lines));
                    using var client = new TcpClient();
                    await client.ConnectAsync(IPAddress.Loopback, port);
                    return true;
                },
                "HAProxy listens");
            return proxy;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
