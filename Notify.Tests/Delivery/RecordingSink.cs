using System.Text.Json;
using Notify.Contracts.Wire;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;
using Notify.Server.Wire;

namespace Notify.Tests.Delivery;

/// <summary>A connection that keeps what it is given, and takes it as slowly as it is told.</summary>
internal sealed class RecordingSink : ISessionSink
{
    private readonly Lock _gate = new();
    private readonly List<Received> _received = [];
    private TaskCompletionSource _open = Opened();
    private int _asked;

    public FrameEncoder Encoder => FrameEncoders.Json;
    public bool Closed { get; private set; }

    /// <summary>Writes that were begun, those that wait included.</summary>
    public int Asked => Volatile.Read(ref _asked);

    public IReadOnlyList<Received> Received
    {
        get
        {
            lock (_gate) return [.. _received];
        }
    }

    public IEnumerable<long> Versions => Received.Where(r => r.Target == "Notification").Select(r => r.Version);

    /// <summary>What came as the call that has the record's name.</summary>
    public IEnumerable<T> Signals<T>() => Received.Where(r => r.Target == typeof(T).Name).Select(r => r.Argument.Deserialize<T>(NotifyJson.Options)!);

    /// <summary>From now on writes wait until <see cref="Open"/>.</summary>
    public void Stall() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Open() => _open.TrySetResult();

    /// <summary>From now on writes fail after they have begun.</summary>
    public void Break()
    {
        _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _open.SetException(new IOException("The connection broke, as told."));
    }

    /// <summary>Runs in each write, on the thread that writes.</summary>
    public Action Writing { get; set; } = () => { };

    public ValueTask WriteAsync(EncodedFrame frame)
    {
        Writing();
        Interlocked.Increment(ref _asked);
        var open = _open.Task;
        if (!open.IsCompletedSuccessfully) return new ValueTask(WriteLaterAsync(open, frame));
        Take(frame);
        return ValueTask.CompletedTask;
    }

    public void CloseForReconnect() => Closed = true;

    private async Task WriteLaterAsync(Task open, EncodedFrame frame)
    {
        await open;
        Take(frame);
    }

    private void Take(EncodedFrame frame)
    {
        lock (_gate)
        {
            foreach (var text in System.Text.Encoding.UTF8.GetString(frame.Bytes.Span).Split('\u001e', StringSplitOptions.RemoveEmptyEntries))
            {
                using var message = JsonDocument.Parse(text);
                var argument = message.RootElement.GetProperty("arguments")[0].Clone();
                _received.Add(new Received(message.RootElement.GetProperty("target").GetString()!, argument));
            }
        }
    }

    private static TaskCompletionSource Opened()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }
}

internal sealed record Received(string Target, JsonElement Argument)
{
    public long Version => Argument.TryGetProperty("version", out var version) ? version.GetInt64() : 0;
}
