using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;
using Notify.Server.Connections;
using Notify.Server.Wire;

namespace Notify.Server.Streaming;

/// <summary>The response of an event stream as a session's sink.</summary>
internal sealed class ServerSentEventsSink(HttpContext context, TimeProvider time) : ISessionSink, IDisposable
{
    /// <summary>How long a write in progress may take when the stream is to end.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private static readonly byte[] Comment = ":\n\n"u8.ToArray();

    /// <summary>The session and the keep-alive both write.</summary>
    private readonly SemaphoreSlim _writing = new(1);
    private readonly ClientPace _pace = ClientPace.Of(context, ownsSocket: true, time);
    private readonly TaskCompletionSource _closing = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _ended;

    /// <summary>Completes when the response should end.</summary>
    public Task Closing => _closing.Task;

    public FrameEncoder Encoder => FrameEncoders.ServerSentEvents;

    public bool IsStuck => _pace.IsStuck;

    public ValueTask WriteAsync(EncodedFrame frame) => new(WriteAsync(frame.Bytes));

    public Task KeepAliveAsync() => WriteAsync(Comment);

    /// <summary>Browsers come back to a stream that ended, with the last id they saw.</summary>
    public void CloseForReconnect() => _closing.TrySetResult();

    public void Cut() => context.Abort();

    /// <summary>
    /// Nothing is written from here on, so that the response can end in good order and a proxy passes on all of it. A
    /// client that takes nothing would not see that end either: its connection is cut.
    /// </summary>
    public async Task EndAsync()
    {
        try
        {
            await _writing.WaitAsync(context.RequestAborted).WaitAsync(Grace, time);
            _ended = true;
            _writing.Release();
        }
        catch (TimeoutException)
        {
            context.Abort();
        }
    }

    public void Dispose() => _writing.Dispose();

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        await _writing.WaitAsync(context.RequestAborted);
        try
        {
            if (_ended) return;
            await _pace.During(context.Response.BodyWriter.WriteAsync(bytes, context.RequestAborted));
        }
        finally
        {
            _writing.Release();
        }
    }
}
