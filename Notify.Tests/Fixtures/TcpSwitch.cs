using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Notify.Tests.Fixtures;

/// <summary>
/// The plainest balancer there is: each new connection goes to the next node that takes it, in turn. It knows nothing of
/// health or stickiness, so what holds behind it holds behind better ones.
/// </summary>
internal sealed class TcpSwitch : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Task, byte> _open = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly IPEndPoint[] _nodes;
    private readonly Task _accepting;
    private int _turn;

    public TcpSwitch(params Uri[] nodes)
    {
        _nodes = [.. nodes.Select(node => new IPEndPoint(IPAddress.Parse(node.Host), node.Port))];
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_open.Keys);
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var serving = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
                _open[serving] = 0;
                _ = serving.ContinueWith(done => _open.TryRemove(done, out _), TaskScheduler.Default);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(TcpClient near)
    {
        using (near)
        {
            try
            {
                using var far = await ConnectAsync();
                if (far is null) return;
                near.NoDelay = far.NoDelay = true;
                var (client, node) = (near.GetStream(), far.GetStream());

                // Each way for itself: a node that says goodbye is heard to the end.
                await Task.WhenAll(PumpAsync(client, node, far.Client), PumpAsync(node, client, near.Client));
            }
            catch (Exception error) when (error is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
            {
                // One side is gone, and so is the other.
            }
        }
    }

    private async Task<TcpClient?> ConnectAsync()
    {
        for (var tries = 0; tries < _nodes.Length; tries++)
        {
            var client = new TcpClient();
            try
            {
                await client.ConnectAsync(_nodes[(uint)Interlocked.Increment(ref _turn) % _nodes.Length], _stop.Token);
                return client;
            }
            catch (SocketException)
            {
                client.Dispose(); // not listening: the next one
            }
        }

        return null;
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, Socket toSocket)
    {
        try
        {
            await from.CopyToAsync(to, _stop.Token);
            toSocket.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            toSocket.Close(); // one that was reset says nothing more, and the other side must not wait for it
            throw;
        }
    }
}
