using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json;
using Notify.Tests.Faults.Checking;

namespace Notify.Tests.Faults.Traffic;

/// <summary>
/// A client written from the contract and SignalR's JSON protocol alone: a WebSocket, one number and its epoch.
/// When the connection goes it comes back on another node, for ever.
/// </summary>
internal sealed class RawFollower : IFollower
{
    private const byte EndOfRecord = 0x1e;

    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(5);

    /// <summary>As stock clients have it: twice the service's keep-alive.</summary>
    private static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(30);

    private readonly string _name;
    private readonly IReadOnlyList<Uri> _nodes;
    private readonly string[] _filters;
    private readonly string _query;
    private readonly Random _random;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private long? _since;
    private string? _epoch;
    private int _node;
    private volatile TaskCompletionSource? _away;
    private volatile ClientWebSocket? _socket;

    public RawFollower(string name, IReadOnlyList<Uri> nodes, string[] filters, IReadOnlySet<string> topics, Recorder recorder, int seed, string query = "")
    {
        (_name, _nodes, _filters, Topics, Recorder, _random, _query) = (name, nodes, filters, topics, recorder, new Random(seed), query);
        _node = _random.Next(nodes.Count);
        _running = RunAsync();
    }

    public Recorder Recorder { get; }

    public IReadOnlySet<string> Topics { get; }

    public Journal Journal => new(_name, Topics, Recorder.Snapshot());

    /// <summary>The node of the present or next connection.</summary>
    public int Node => Volatile.Read(ref _node);

    /// <summary>Goes without goodbye and stays away until <see cref="ComeBack"/>.</summary>
    public void GoAway()
    {
        _away = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _socket?.Abort();
    }

    public void ComeBack()
    {
        _away?.TrySetResult();
        _away = null;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        ComeBack();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await OnceAsync();
            }
            catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException
            or ObjectDisposedException or RefusedException)
            {
                // Again, elsewhere.
            }

            if (_away is { } away) await away.Task;
            Volatile.Write(ref _node, (_node + 1 + _random.Next(Math.Max(1, _nodes.Count - 1))) % _nodes.Count);
            if (!_stop.IsCancellationRequested) await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(20, 300)), TimeProvider.System, CancellationToken.None);
        }
    }

    private async Task OnceAsync()
    {
        using var socket = new ClientWebSocket();
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
        {
            limit.CancelAfter(ConnectLimit);
            var hub = new UriBuilder(_nodes[_node]) { Scheme = "ws", Path = "/hubs/notifications", Query = _query }.Uri;
            await socket.ConnectAsync(hub, limit.Token);
        }

        _socket = socket;
        if (_away is not null) return; // told so while there was nothing to abort yet
        await SendAsync(socket, """{"protocol":"json","version":1}""");
        await SendAsync(socket, JsonSerializer.Serialize(new { type = 1, invocationId = "1", target = "Resume", arguments = new[] { Resume() } }));
        using var pings = new PeriodicTimer(PingEvery, TimeProvider.System);
        var pinging = PingAsync(socket, pings);
        try
        {
            var message = new ArrayBufferWriter<byte>();
            while (await ReadAsync(socket, message))
            {
                for (var rest = message.WrittenMemory; rest.Length > 0;)
                {
                    var end = rest.Span.IndexOf(EndOfRecord);
                    Take(rest[..end]);
                    rest = rest[(end + 1)..];
                }

                message.ResetWrittenCount();
            }
        }
        finally
        {
            socket.Abort();
            pings.Dispose();
            await pinging;
        }
    }

    // Absent, not null: that is what the contract says of absent values.
    private Dictionary<string, object> Resume()
    {
        var request = new Dictionary<string, object> { ["topics"] = _filters };
        if (_since is { } since) request["since"] = since;
        if (_epoch is { } epoch) request["epoch"] = epoch;
        return request;
    }

    private async Task<bool> ReadAsync(ClientWebSocket socket, ArrayBufferWriter<byte> message)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(SilenceLimit);
        while (true)
        {
            var part = await socket.ReceiveAsync(message.GetMemory(4096), limit.Token);
            if (part.MessageType == WebSocketMessageType.Close) return false;
            message.Advance(part.Count);
            if (part.EndOfMessage) return true;
        }
    }

    private void Take(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        var record = document.RootElement;
        if (!record.TryGetProperty("type", out var type)) return; // the answer to the handshake
        switch (type.GetInt32())
        {
            case 1:
                Take(record.GetProperty("target").GetString()!, record.GetProperty("arguments")[0]);
                break;
            case 3 when record.TryGetProperty("error", out _):
                throw new RefusedException();
            case 3:
                var result = record.GetProperty("result");
                var (since, epoch) = (result.GetProperty("since").GetInt64(), result.GetProperty("epoch").GetString()!);
                Recorder.Add(new Seen.Resumed(Recorder.Now, since, epoch));
                _since ??= since;
                _epoch ??= epoch;
                break;
            case 7:
                throw new RefusedException();
        }
    }

    private void Take(string target, JsonElement it)
    {
        switch (target)
        {
            case "Notification":
                _since = it.GetProperty("version").GetInt64();
                Recorder.Add(new Seen.Received(
                    Recorder.Now, _since.Value, it.GetProperty("id").GetString()!, it.GetProperty("topic").GetString()!, it.GetProperty("body").GetString()!));
                break;
            case "CaughtUp":
                Keep(it, "head");
                Recorder.Add(new Seen.Place(Recorder.Now, _since!.Value, _epoch), caughtUp: true);
                break;
            case "Progress":
                Keep(it, "version");
                Recorder.Add(new Seen.Place(Recorder.Now, _since!.Value, _epoch));
                break;
            case "Gap":
                Keep(it, "oldest");
                Recorder.Add(new Seen.Gap(Recorder.Now, _since!.Value, _epoch!, it.GetProperty("reason").GetString()!));
                _since--;
                break;
        }
    }

    private void Keep(JsonElement it, string place) =>
        (_since, _epoch) = (it.GetProperty(place).GetInt64(), it.GetProperty("epoch").GetString());

    private async Task SendAsync(ClientWebSocket socket, string json)
    {
        byte[] record = [.. System.Text.Encoding.UTF8.GetBytes(json), EndOfRecord];
        await socket.SendAsync(record, WebSocketMessageType.Text, endOfMessage: true, _stop.Token);
    }

    private async Task PingAsync(ClientWebSocket socket, PeriodicTimer pings)
    {
        try
        {
            while (await pings.WaitForNextTickAsync(_stop.Token)) await SendAsync(socket, """{"type":6}""");
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException)
        {
            // The reader hears of it too.
        }
    }

    /// <summary>The service closed the connection or refused Resume: come back.</summary>
    private sealed class RefusedException : Exception;
}
