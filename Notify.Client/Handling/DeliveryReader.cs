using System.Runtime.CompilerServices;
using Notify.Client.Connection;
using Notify.Client.Observability;
using Notify.Contracts;

namespace Notify.Client.Handling;

/// <summary>
/// Takes deliveries out of the buffer, in order: the handlers are called, then the app's loop gets the notification, then the cursor moves.
/// While the app has no loop, it reads by itself for the handlers.
/// </summary>
internal sealed class DeliveryReader(
    Func<DeliveryBuffer> buffer, // another one once the client has failed and was started anew
    Handlers handlers,
    CursorKeeper cursor,
    IReaderOwner owner,
    CancellationToken stopping)
{
    private readonly object _gate = new();
    private Task _own = Task.CompletedTask;
    private CancellationTokenSource? _ownStops;
    private bool _loopCame;
    private int _loops;

    /// <summary>Completes when it does not read by itself, or no longer.</summary>
    public Task OwnEnded => _own;

    /// <summary>Reads by itself, when there are handlers and never was a loop.</summary>
    public void Start()
    {
        lock (_gate)
        {
            if (_loopCame || !handlers.Any || !_own.IsCompleted || stopping.IsCancellationRequested) return;
            _ownStops = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            _own = Task.Run(() => ReadForHandlersAsync(buffer(), _ownStops.Token));
        }
    }

    /// <summary>What the app's loop reads.</summary>
    public async IAsyncEnumerable<Notification> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Task own;
        lock (_gate)
        {
            // From here on the handlers are called as the loop asks: what it was handed must not be handled behind its back.
            _loopCame = true;
            _ownStops?.Cancel();
            own = _own;
        }

        await own.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (Interlocked.Exchange(ref _loops, 1) != 0) throw new InvalidOperationException("One loop at a time reads a client.");
        try
        {
            await foreach (var notification in ReadAsync(buffer(), cancellationToken).ConfigureAwait(false)) yield return notification;
        }
        finally
        {
            Volatile.Write(ref _loops, 0);
        }
    }

    private async Task ReadForHandlersAsync(DeliveryBuffer from, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var _ in ReadAsync(from, cancellationToken).ConfigureAwait(false))
            {
                // The handlers have had it.
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // A loop takes over, or the client stops.
        }
        catch (Exception e)
        {
            await owner.FailAsync(e).ConfigureAwait(false);
        }
    }

    private async IAsyncEnumerable<Notification> ReadAsync(DeliveryBuffer from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await from.WaitAsync(cancellationToken).ConfigureAwait(false))
        {
            while (from.Peek() is { } delivery)
            {
                if (delivery.Notification is { } notification)
                {
                    if (!delivery.Handled) await HandleAsync(notification, cancellationToken).ConfigureAwait(false);
                    delivery.Handled = true;
                    ClientTelemetry.Handed();
                    yield return notification;
                }
                else
                {
                    owner.Raise(delivery.Signal);
                }

                // Here the loop has asked for the next one.
                from.Remove();
                if (delivery.After is not { } place) continue;
                await cursor.MoveAsync(place, cancellationToken).ConfigureAwait(false);
                owner.Moved(place);
            }
        }
    }

    private async Task HandleAsync(Notification notification, CancellationToken cancellationToken)
    {
        try
        {
            await handlers.HandleAsync(notification, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            await owner.FailAsync(e).ConfigureAwait(false);
            throw;
        }
    }
}

/// <summary>What a <see cref="DeliveryReader"/> tells the client.</summary>
internal interface IReaderOwner
{
    /// <summary>A gap or the end of a replay, in its place between the notifications.</summary>
    void Raise(object? signal);

    /// <summary>The cursor is here: everything up to it has been handled.</summary>
    void Moved(Cursor cursor);

    /// <summary>A handler stops the client, or the cursor cannot be saved.</summary>
    Task FailAsync(Exception error);
}
