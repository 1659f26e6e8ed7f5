using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Notify.Server.Connections;

/// <summary>Kestrel's socket listeners, which ask the cap before they accept.</summary>
internal sealed class CappedListeners(SocketTransportFactory sockets, ConnectionCap cap) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        cap.Settle(); // the server is what starts last: everything else is open
        return new Listener(await sockets.BindAsync(endpoint, cancellationToken), cap);
    }

    private sealed class Listener(IConnectionListener inner, ConnectionCap cap) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                await cap.WaitForRoomAsync(_unbound.Token);
            }
            catch (OperationCanceledException)
            {
                return null; // what an unbound listener answers
            }

            return await inner.AcceptAsync(cancellationToken) is { } connection ? cap.Take(connection) : null;
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await _unbound.CancelAsync();
            await inner.UnbindAsync(cancellationToken);
        }

        public ValueTask DisposeAsync()
        {
            _unbound.Dispose();
            return inner.DisposeAsync();
        }
    }
}
