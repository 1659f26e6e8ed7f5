namespace Notify.Benchmarks.Wire;

/// <summary>Splits a byte stream into hub messages; keeps the beginning of one that has not all arrived.</summary>
internal sealed class HubMessages(HubWire wire)
{
    private byte[] _rest = [];
    private int _restLength;

    public void Read<TSink>(ReadOnlySpan<byte> payload, TSink sink) where TSink : IHubMessageSink
    {
        if (_restLength > 0)
        {
            // Only as much as completes the message that was cut; the rest is read where it lies.
            while (!payload.IsEmpty)
            {
                var before = _restLength;
                var take = Math.Min(payload.Length, 512);
                Keep(payload[..take]);
                var length = wire.MessageLength(_rest.AsSpan(0, _restLength));
                payload = length == 0 ? payload[take..] : payload[(length - before)..];
                if (length == 0) continue;
                sink.OnMessage(_rest.AsSpan(0, length));
                _restLength = 0;
                break;
            }
        }

        while (!payload.IsEmpty)
        {
            var length = wire.MessageLength(payload);
            if (length == 0)
            {
                Keep(payload);
                return;
            }

            sink.OnMessage(payload[..length]);
            payload = payload[length..];
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_rest.Length < _restLength + bytes.Length) Array.Resize(ref _rest, Math.Max(1024, (_restLength + bytes.Length) * 2));
        bytes.CopyTo(_rest.AsSpan(_restLength));
        _restLength += bytes.Length;
    }
}

internal interface IHubMessageSink
{
    void OnMessage(ReadOnlySpan<byte> message);
}
