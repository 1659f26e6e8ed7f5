using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using Notify.Server.Connections;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Connections;

/// <summary>Whether a client still takes what is written to it, on real sockets; the clock is the test's.</summary>
public sealed class ClientPaceTests : IDisposable
{
    private static readonly TimeSpan LongerThanAnyLimit = TimeSpan.FromSeconds(31);

    private readonly FakeTimeProvider _time = new();
    private readonly TaskCompletionSource<int> _write = new();
    private readonly Socket _server;
    private readonly Socket _client = new(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 8 * 1024 };

    public ClientPaceTests()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _client.Connect(listener.LocalEndPoint!);
        _server = listener.Accept();
        _server.Blocking = false;
    }

    [Fact]
    public async Task A_client_that_takes_nothing_is_stuck_and_one_that_takes_a_little_is_not()
    {
        var pace = new ClientPace(_server, _time);
        Fill();
        var write = pace.During(new ValueTask<int>(_write.Task));
        Assert.False(pace.IsStuck); // its first look

        _time.Advance(LongerThanAnyLimit);
        Assert.True(pace.IsStuck);

        await TakeAsync();
        Assert.False(pace.IsStuck);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(pace.IsStuck);

        _time.Advance(LongerThanAnyLimit);
        Assert.True(pace.IsStuck);
        _write.SetResult(0);
        await write;
        Assert.False(pace.IsStuck); // nothing is written
    }

    [Fact]
    public async Task Where_the_kernel_does_not_say_a_write_has_its_time()
    {
        var pace = new ClientPace(null, _time);
        var write = pace.During(new ValueTask<int>(_write.Task));
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(pace.IsStuck);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(pace.IsStuck);
        _write.SetResult(0);
        await write;
    }

    [Fact]
    public void Little_waits_in_the_kernel()
    {
        _ = new ClientPace(_server, _time);
        Assert.InRange(Fill(), 1, 1024 * 1024); // without its limit two to four megabytes
    }

    public void Dispose()
    {
        _server.Dispose();
        _client.Dispose();
    }

    // Writes until the kernel takes no more.
    private int Fill()
    {
        var chunk = new byte[16 * 1024];
        var sent = 0;
        while (true)
        {
            var count = _server.Send(chunk, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock) return sent;
            Assert.Equal(SocketError.Success, error);
            sent += count;
        }
    }

    // Until the kernel has sent some of what waited: it then has taken more.
    private async Task TakeAsync()
    {
        var buffer = new byte[64 * 1024];
        await Eventually.TrueAsync(
            async () =>
            {
                await _client.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
                return _server.Poll(TimeSpan.Zero, SelectMode.SelectWrite);
            },
            "the kernel takes more");
    }
}
