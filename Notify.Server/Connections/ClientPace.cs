using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;

namespace Notify.Server.Connections;

/// <summary>
/// Whether a client still takes what is written to it. A client on a thin line takes long for a write and is served at its pace; one that
/// takes no byte at all is cut. Asked of the kernel, which knows what the client's side has acknowledged; where it does not say (another
/// system than Linux, several streams on one HTTP/2 connection, long polling), a write must be taken whole in <see cref="WriteLimit"/>.
/// </summary>
internal sealed class ClientPace(Socket? socket, TimeProvider time)
{
    /// <summary>Longest time without a byte taken, beside what a segment takes.</summary>
    private static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(10);

    /// <summary>Longest time for a write whose progress cannot be seen.</summary>
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A receiver that has no room left says so again only when a whole segment fits: on the loopback these are 64 KB, which the
    /// slowest line that is served takes 13 s for.
    /// </summary>
    private const int SlowestBytesPerSecond = 5_000;

    /// <summary>Bytes in the kernel that are not sent yet: with megabytes there, nothing on this side would notice the client's pace.</summary>
    private const int MostUnsent = 128 * 1024;

    private readonly Socket? _socket = Prepare(socket);
    private long _waitsSince;
    private long _takenAt;
    private ulong _taken;

    /// <summary>The pace of a connection's client.</summary>
    /// <param name="context">The request that the connection began with.</param>
    /// <param name="ownsSocket">Whether what is written goes over the socket of that request, and alone.</param>
    /// <param name="time">The clock.</param>
    public static ClientPace Of(HttpContext? context, bool ownsSocket, TimeProvider time) =>
        new(ownsSocket && context is not null && HttpProtocol.IsHttp11(context.Request.Protocol)
            ? context.Features.Get<IConnectionSocketFeature>()?.Socket : null, time);

    /// <summary>Whether a write has been waiting for a client that takes nothing. Asked once a second or so.</summary>
    public bool IsStuck
    {
        get
        {
            var since = Volatile.Read(ref _waitsSince);
            if (since == 0) return false;
            if (Tcp.Read(_socket) is not { } tcp) return time.GetElapsedTime(since) > WriteLimit;
            if (tcp.Taken != _taken) (_taken, _takenAt) = (tcp.Taken, time.GetTimestamp());
            return time.GetElapsedTime(Math.Max(since, _takenAt)) > SilenceLimit + TimeSpan.FromSeconds((double)tcp.SegmentBytes / SlowestBytesPerSecond);
        }
    }

    /// <summary>Notes a write as long as it waits.</summary>
    public ValueTask<T> During<T>(ValueTask<T> write) => write.IsCompleted ? write : WaitAsync(write);

    private async ValueTask<T> WaitAsync<T>(ValueTask<T> write)
    {
        Volatile.Write(ref _waitsSince, time.GetTimestamp());
        try
        {
            return await write;
        }
        finally
        {
            Volatile.Write(ref _waitsSince, 0);
        }
    }

    private static Socket? Prepare(Socket? socket)
    {
        if (socket is null || !OperatingSystem.IsLinux()) return null;
        return Tcp.LimitUnsent(socket, MostUnsent) ? socket : null;
    }

    /// <summary>What Linux says of a TCP connection (<c>tcp(7)</c>, <c>linux/tcp.h</c>).</summary>
    /// <param name="Taken">Bytes that the other side has acknowledged.</param>
    /// <param name="SegmentBytes">Longest segment.</param>
    private readonly record struct Tcp(ulong Taken, uint SegmentBytes)
    {
        private const int Level = 6; // IPPROTO_TCP
        private const int Info = 11; // TCP_INFO
        private const int UnsentLowWater = 25; // TCP_NOTSENT_LOWAT

        // Of struct tcp_info.
        private const int SegmentAt = 16; // tcpi_snd_mss
        private const int TakenAt = 120; // tcpi_bytes_acked, since Linux 4.2
        private const int Length = 128;

        public static Tcp? Read(Socket? socket)
        {
            if (socket is null) return null;
            Span<byte> info = stackalloc byte[Length];
            try
            {
                return socket.GetRawSocketOption(Level, Info, info) < Length ? null
                    : new Tcp(BitConverter.ToUInt64(info[TakenAt..]), BitConverter.ToUInt32(info[SegmentAt..]));
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return null; // closed meanwhile
            }
        }

        public static bool LimitUnsent(Socket socket, int bytes)
        {
            Span<byte> value = stackalloc byte[sizeof(int)];
            BitConverter.TryWriteBytes(value, bytes);
            try
            {
                socket.SetRawSocketOption(Level, UnsentLowWater, value);
                return true;
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return false; // not TCP, or closed
            }
        }
    }
}
