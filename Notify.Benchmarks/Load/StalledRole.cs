using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Sockets;
using Notify.Benchmarks.Wire;

namespace Notify.Benchmarks.Load;

/// <summary>How often the server cut it so far, and it came back.</summary>
internal sealed record StalledReport(int ComingsBack);

/// <summary>
/// One client that follows and then takes no byte any more. It goes on saying that it is alive, so only the server's own
/// bounds end it; cut, it comes back where it was, and stalls again.
/// </summary>
internal sealed class StalledRole(SubscriberOptions options) : IDisposable
{
    /// <summary>The kernel doubles it and rounds it up; a few KiB arrive, no more.</summary>
    private const int ReceiveBufferBytes = 2048;

    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(20);

    private readonly RoleLine _line = new();
    private Socket? _socket;
    private long? _since;

    public void Run()
    {
        Stall();
        var report = new StalledReport(0);
        RoleLine.Say(report);
        var sincePing = Stopwatch.StartNew();
        while (true)
        {
            var isCut = _socket!.Poll(Turn, SelectMode.SelectError);
            while (_line.TryTake(out var command))
            {
                if (command[0] == "stop") return;
                if (command[0] == "report") RoleLine.Say(report);
            }

            if (!isCut && sincePing.Elapsed < PingEvery) continue;
            sincePing.Restart();
            if (!isCut && IsAlive()) continue;
            Stall();
            report = report with { ComingsBack = report.ComingsBack + 1 };
        }
    }

    public void Dispose() => _socket?.Dispose();

    /// <summary>A socket that the server has closed shows no end to a client that does not read; writing to it does.</summary>
    private bool IsAlive()
    {
        try
        {
            _socket!.Send(options.Wire.Ping);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Stall()
    {
        _socket?.Dispose();
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = ReceiveBufferBytes, NoDelay = true };
        _socket.Connect(IPAddress.Loopback, options.Port);
        _socket.Send(WebSocketWriter.Upgrade("/hubs/notifications", options.Port));
        ReadUntil(received => received.IndexOf("\r\n\r\n"u8) >= 0);
        _socket.Send((byte[])[.. options.Wire.Handshake, .. options.Wire.Resume(options.FiltersOf(0), _since)]);
        ReadUntil(received =>
        {
            // Where it begins is where it stays: the first answer counts.
            var since = options.Wire.Number(received, "since"u8);
            if (since >= 0) _since ??= since;
            return since >= 0;
        });
    }

    private void ReadUntil(ReceivedTest isEnough)
    {
        var received = new byte[4096];
        for (var length = 0; !isEnough(received.AsSpan(0, length));)
        {
            var count = _socket!.Receive(received.AsSpan(length));
            if (count == 0) throw new IOException("The server closed the stalled client at once: " + Encoding.UTF8.GetString(received, 0, length));
            length += count;
        }
    }

    private delegate bool ReceivedTest(ReadOnlySpan<byte> received);
}
