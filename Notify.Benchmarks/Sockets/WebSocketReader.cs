using System.Buffers.Binary;

namespace Notify.Benchmarks.Sockets;

/// <summary>Where a reader puts what it finds.</summary>
internal interface IWebSocketSink
{
    /// <summary>Some bytes of a text or binary message; SignalR's messages may begin and end anywhere.</summary>
    void OnPayload(ReadOnlySpan<byte> payload);

    void OnMessageEnd();

    void OnPing();

    void OnClose();
}

/// <summary>Takes a server's WebSocket frames apart as they arrive, in pieces of any size.</summary>
internal sealed class WebSocketReader(IWebSocketSink sink)
{
    private const int Ping = 9;
    private const int Close = 8;

    private readonly byte[] _header = new byte[10];
    private int _headerBytes;
    private long _left;
    private int _kind;
    private bool _isLast;

    public void Read(ReadOnlySpan<byte> input)
    {
        while (!input.IsEmpty)
        {
            if (_left == 0 && !TakeHeader(ref input)) return;
            var take = (int)Math.Min(_left, input.Length);
            if (_kind <= 2) sink.OnPayload(input[..take]);
            input = input[take..];
            _left -= take;
            if (_left == 0) End();
        }
    }

    private void End()
    {
        if (_kind == Ping) sink.OnPing();
        else if (_kind == Close) sink.OnClose();
        else if (_kind <= 2 && _isLast) sink.OnMessageEnd();
    }

    /// <summary>False when more bytes are needed, or when the frame was empty and nothing follows.</summary>
    private bool TakeHeader(ref ReadOnlySpan<byte> input)
    {
        while (true)
        {
            var needed = _headerBytes < 2 ? 2 : HeaderLength(_header[1]);
            if (_headerBytes == needed && _headerBytes >= 2) break;
            var take = Math.Min(needed - _headerBytes, input.Length);
            if (take == 0) return false;
            input[..take].CopyTo(_header.AsSpan(_headerBytes));
            _headerBytes += take;
            input = input[take..];
        }

        _headerBytes = 0;
        _kind = _header[0] & 0x0f;
        _isLast = (_header[0] & 0x80) != 0;
        _left = (_header[1] & 0x7f) switch
        {
            126 => BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2)),
            127 => (long)BinaryPrimitives.ReadUInt64BigEndian(_header.AsSpan(2)),
            var small => small,
        };
        if (_left > 0) return true;
        End();
        return false;
    }

    private static int HeaderLength(byte second) => (second & 0x7f) switch
    {
        126 => 4,
        127 => 10,
        _ => 2,
    };
}
