using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Notify.Tests.Fixtures;

/// <summary>
/// Stands between a client and a server on the loopback: loses answers, delays, throttles, stalls, swallows or cuts when
/// told to, and leads elsewhere.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Link, byte> _open = [];
    private readonly Func<int> _target;
    private readonly Task _accepting;
    private volatile TaskCompletionSource? _stall;
    private TaskCompletionSource _answerLost = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TcpProxy(int target)
        : this(() => target)
    {
    }

    /// <param name="target">Asked for the port of each new connection.</param>
    public TcpProxy(Func<int> target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What the server says from now on is lost; what the client says still arrives.</summary>
    public bool LoseAnswers { get; set; }

    /// <summary>Nothing arrives any more, in either direction; what was lost does not come again, so <see cref="Reset"/> afterwards.</summary>
    public bool Blackhole { get; set; }

    /// <summary>How many bytes of what clients say still arrive; the rest never does, as of a client that was stopped in the middle of it. Null: all.</summary>
    public long? RequestBytes { get; set; }

    /// <summary>How long each piece is held up.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Bytes a second and direction; 0: as fast as it goes.</summary>
    public int BytesPerSecond { get; set; }

    /// <summary>Nothing moves until <see cref="Release"/>; then all of it does, as after a time without network.</summary>
    public void Stall() => _stall ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release()
    {
        _stall?.TrySetResult();
        _stall = null;
    }

    /// <summary>The next piece of an answer that is lost.</summary>
    public Task AnswerLostAsync() => Volatile.Read(ref _answerLost).Task;

    /// <summary>Cuts every connection that is open.</summary>
    public void Cut()
    {
        foreach (var link in _open.Keys)
            link.Near.Close();
    }

    /// <summary>Cuts them with a reset (RST), on both sides.</summary>
    public void Reset()
    {
        foreach (var link in _open.Keys)
        {
            ResetOne(link.Near);
            ResetOne(link.Far);
        }
    }

    /// <summary>The client's side is cut; the server's stays open, and nothing reads or answers there.</summary>
    public void HalfOpen()
    {
        foreach (var link in _open.Keys)
        {
            link.Abandoned = true;
            link.Near.Close();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        Release();
        foreach (var link in _open.Keys)
        {
            link.Near.Close();
            link.Far.Close();
            link.Gone.TrySetResult();
        }

        await _accepting;
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient { NoDelay = true };
        client.NoDelay = true;
        var link = new Link(client, server);
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target());
            _open[link] = 0;
            var (near, far) = (client.GetStream(), server.GetStream());
            await Task.WhenAny(
                PumpAsync(near, far, link, () => Blackhole, isRequest: true), PumpAsync(far, near, link, () => Blackhole || LoseAnswers));
            if (link.Abandoned) await link.Gone.Task;
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // One side is gone; so goes the other.
        }
        finally
        {
            _open.TryRemove(link, out _);
            client.Close();
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, Link link, Func<bool> lose, bool isRequest = false)
    {
        var buffer = new byte[16384];
        try
        {
            for (int read; (read = await from.ReadAsync(buffer)) > 0;)
            {
                if (_stall is { } stall) await stall.Task;
                if (Delay > TimeSpan.Zero) await Task.Delay(Delay, TimeProvider.System);
                if (BytesPerSecond > 0) await Task.Delay(TimeSpan.FromSeconds((double)read / BytesPerSecond), TimeProvider.System);
                if (isRequest && RequestBytes is { } left)
                {
                    RequestBytes = left - Math.Min(left, read);
                    read = (int)Math.Min(left, read);
                }

                if (lose())
                {
                    if (!isRequest) Interlocked.Exchange(ref _answerLost, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
                }
                else if (read > 0)
                {
                    await to.WriteAsync(buffer.AsMemory(0, read));
                }
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            if (link.Abandoned) await link.Gone.Task; // else the server would hear of it
        }
    }

    private static void ResetOne(TcpClient client)
    {
        try
        {
            client.Client?.Close(0); // a linger of zero: RST
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Gone already.
        }
    }

    private sealed record Link(TcpClient Near, TcpClient Far)
    {
        public TaskCompletionSource Gone { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Abandoned { get; set; }
    }
}
