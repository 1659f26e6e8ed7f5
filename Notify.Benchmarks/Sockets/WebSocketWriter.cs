using System.Buffers.Binary;
using System.Text;

namespace Notify.Benchmarks.Sockets;

/// <summary>A client's side of a WebSocket: the upgrade request, and frames under the mask zero (a client must mask).</summary>
internal static class WebSocketWriter
{
    private const byte Last = 0x80;
    private const byte Masked = 0x80;

    public static byte[] Upgrade(string path, int port) => Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");

    public static byte[] Text(ReadOnlySpan<byte> payload) => Frame(1, payload);

    public static byte[] Binary(ReadOnlySpan<byte> payload) => Frame(2, payload);

    public static byte[] Pong() => Frame(10, []);

    private static byte[] Frame(byte kind, ReadOnlySpan<byte> payload)
    {
        var length = payload.Length < 126 ? 0 : payload.Length <= ushort.MaxValue ? 2 : 8;
        var frame = new byte[2 + length + 4 + payload.Length];
        frame[0] = (byte)(Last | kind);
        frame[1] = (byte)(Masked | (length switch { 0 => payload.Length, 2 => 126, _ => 127 }));
        if (length == 2) BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)payload.Length);
        if (length == 8) BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(2), (ulong)payload.Length);
        payload.CopyTo(frame.AsSpan(2 + length + 4));
        return frame;
    }
}
