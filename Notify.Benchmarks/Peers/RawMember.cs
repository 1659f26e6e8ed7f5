using System.Net.WebSockets;
using System.Threading.Channels;

namespace Notify.Benchmarks.Peers;

/// <summary>One socket of the raw limit.</summary>
internal sealed class RawMember
{
    private readonly WebSocket _socket;
    private readonly Channel<byte[]>? _queue;

    private RawMember(WebSocket socket, bool isQueued)
    {
        _socket = socket;
        if (!isQueued) return;
        _queue = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { SingleReader = true });
        _ = DrainAsync(_queue.Reader);
    }

    public static RawMember Of(WebSocket socket, bool isQueued) => new(socket, isQueued);

    public ValueTask WriteAsync(byte[] frame)
    {
        if (_queue is null) return _socket.SendAsync(frame.AsMemory(), WebSocketMessageType.Text, true, CancellationToken.None);
        _queue.Writer.TryWrite(frame);
        return ValueTask.CompletedTask;
    }

    public async Task ReadToEndAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[64];
        try
        {
            while ((await _socket.ReceiveAsync(buffer.AsMemory(), cancellationToken)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException)
        {
            // The client left without a word.
        }
    }

    private async Task DrainAsync(ChannelReader<byte[]> frames)
    {
        await foreach (var frame in frames.ReadAllAsync())
            await _socket.SendAsync(frame.AsMemory(), WebSocketMessageType.Text, true, CancellationToken.None);
    }
}
