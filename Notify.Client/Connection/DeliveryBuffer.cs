using System.Threading.Channels;
using Notify.Contracts;

namespace Notify.Client.Connection;

/// <summary>What waits for the reader, in the log's order.</summary>
/// <param name="Notification">A notification; null for a signal.</param>
/// <param name="Signal">Gap, CaughtUp or Progress, so that the reader hears of them between the right notifications.</param>
/// <param name="After">The cursor once this has been handled; null for an ephemeral one.</param>
internal sealed record Delivery(Notification? Notification, object? Signal, Cursor? After)
{
    /// <summary>The handlers have had it: a reader that was left with it, and comes back, gets it without them.</summary>
    public bool Handled { get; set; }
}

/// <summary>
/// The bounded queue between connection and reader. SignalR's client gives a handler no way to slow the server down
/// (what handlers have not taken piles up in an unbounded queue of its own), so a full buffer ends the connection, and
/// the client resumes when there is room again: the log keeps what is not read.
/// </summary>
internal sealed class DeliveryBuffer(int size)
{
    private readonly Channel<Delivery> _waiting =
        Channel.CreateBounded<Delivery>(new BoundedChannelOptions(size) { SingleReader = true });
    private readonly object _gate = new();
    private TaskCompletionSource<bool>? _room;

    /// <summary>False when it is full: the delivery is not taken, and none should be until <see cref="RoomAsync"/>.</summary>
    public bool TryAdd(Delivery delivery)
    {
        lock (_gate)
        {
            if (_room is null && _waiting.Writer.TryWrite(delivery)) return true;
            _room ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            return false;
        }
    }

    /// <summary>Waits until a buffer that overflowed is down to a quarter.</summary>
    public Task RoomAsync(CancellationToken cancellationToken)
    {
        lock (_gate) return _room?.Task.WaitAsync(cancellationToken) ?? Task.CompletedTask;
    }

    /// <summary>Waits for a delivery; false after <see cref="Complete"/>. Throws what <see cref="Complete"/> was given.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _waiting.Reader.WaitToReadAsync(cancellationToken);

    /// <summary>The oldest delivery, which stays until <see cref="Remove"/>: it is handled when the reader asks for the next.</summary>
    public Delivery? Peek() => _waiting.Reader.TryPeek(out var delivery) ? delivery : null;

    public void Remove()
    {
        _waiting.Reader.TryRead(out _);
        lock (_gate)
        {
            if (_room is null || _waiting.Reader.Count > size / 4) return;
            _room.TrySetResult(true);
            _room = null;
        }
    }

    public void Complete(Exception? error = null) => _waiting.Writer.TryComplete(error);
}
