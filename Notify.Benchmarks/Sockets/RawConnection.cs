using System.Net;
using System.Net.Sockets;

namespace Notify.Benchmarks.Sockets;

/// <summary>A loopback TCP connection that never blocks: what the socket does not take at once waits until it can.</summary>
internal sealed class RawConnection : IDisposable
{
    /// <summary>Connections from one loopback address: below the ports that the kernel gives out by itself.</summary>
    private const int PerSourceAddress = 20_000;

    private readonly Epoll _epoll;
    private readonly int _number;
    private ReadOnlyMemory<byte> _unsent;
    private bool _waiting;

    public RawConnection(Epoll epoll, int number, int port)
    {
        _epoll = epoll;
        _number = number;
        Socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (number >= PerSourceAddress) Socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + (number / PerSourceAddress))]), 0));
        Socket.Connect(IPAddress.Loopback, port);
        Socket.Blocking = false;
        epoll.Add(Socket, number);
    }

    public Socket Socket { get; }

    /// <summary>Only when all before it is sent: closed loops never have two under way.</summary>
    public void Send(ReadOnlyMemory<byte> bytes)
    {
        _unsent = _unsent.IsEmpty ? bytes : (byte[])[.. _unsent.Span, .. bytes.Span];
        Flush();
    }

    /// <summary>Called when the socket can write again.</summary>
    public void Flush()
    {
        var hadToWait = false;
        while (!_unsent.IsEmpty)
        {
            var sent = Socket.Send(_unsent.Span, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
            {
                hadToWait = true;
                break;
            }

            if (error != SocketError.Success) throw new SocketException((int)error);
            _unsent = _unsent[sent..];
        }

        if (hadToWait != _waiting) _epoll.WantWrite(Socket, _number, _waiting = hadToWait);
    }

    /// <summary>What has arrived; −1 when nothing has, 0 when the server closed.</summary>
    public int Receive(Span<byte> buffer)
    {
        var received = Socket.Receive(buffer, SocketFlags.None, out var error);
        return error switch
        {
            SocketError.Success => received,
            SocketError.WouldBlock => -1,
            _ => 0,
        };
    }

    public void Dispose() => Socket.Dispose();
}
