using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.SignalR;
using Notify.Server.Connections;

namespace Notify.Server.Hubs;

/// <summary>
/// Puts each write to a connection into the transport's pipe in one piece. A frame of many notifications would be cut into
/// segments of 4 KB, and SignalR sends each segment as a WebSocket frame of its own, through every layer below it; the
/// segments of a few connections are also more than the array pool keeps, so they were allocated, cleared and collected.
/// </summary>
internal sealed class WholeWrites : PipeWriter
{
    private readonly PipeWriter _inner;
    private readonly ClientPace _pace;

    private WholeWrites(PipeWriter inner, ClientPace pace) => (_inner, _pace) = (inner, pace);

    /// <summary>Before the first write to the connection.</summary>
    public static void Use(HubConnectionContext connection, ClientPace pace)
    {
        if (connection.Features.Get<IConnectionTransportFeature>() is { } feature)
            feature.Transport = new Transport(feature.Transport.Input, new WholeWrites(feature.Transport.Output, pace));
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (source.IsEmpty) return _inner.WriteAsync(source, cancellationToken); // no room is asked for nothing
        source.CopyTo(_inner.GetMemory(source.Length));
        _inner.Advance(source.Length);
        return _pace.During(_inner.FlushAsync(cancellationToken));
    }

    public override bool CanGetUnflushedBytes => _inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => _inner.UnflushedBytes;

    public override void Advance(int bytes) => _inner.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => _inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _inner.GetSpan(sizeHint);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        _pace.During(_inner.FlushAsync(cancellationToken));

    public override void CancelPendingFlush() => _inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => _inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => _inner.CompleteAsync(exception);

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
