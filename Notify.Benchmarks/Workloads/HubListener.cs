using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Workloads;

/// <summary>A connection over the JSON hub protocol, and what comes on it with its time.</summary>
internal abstract class HubListener : IAsyncDisposable
{
    private const char End = '\u001e';

    private readonly ClientWebSocket _socket = new();
    private Task _reading = Task.CompletedTask;

    /// <param name="server">Its node.</param>
    /// <param name="query">Of the connection's address, with its question mark.</param>
    /// <param name="resume">The argument of Resume.</param>
    protected async Task StartAsync(RunningServer server, string query, string resume)
    {
        await _socket.ConnectAsync(new Uri($"ws://127.0.0.1:{server.Port}/hubs/notifications{query}"), CancellationToken.None);
        await SendAsync("""{"protocol":"json","version":1}""");
        await CallAsync("Resume", resume);
        _reading = Task.Run(ReadAsync);
    }

    protected Task CallAsync(string method, string argument) =>
        SendAsync($$"""{"type":1,"invocationId":"{{method}}","target":"{{method}}","arguments":[{{argument}}]}""");

    /// <summary>One message of the hub protocol; not at the same time as another.</summary>
    protected abstract void OnMessage(JsonElement message, long at);

    /// <summary>Whether it is a call of this method, and with what.</summary>
    protected static bool IsCall(JsonElement message, string method, out JsonElement argument)
    {
        var isCall = message.TryGetProperty("target", out var target) && target.GetString() == method;
        argument = isCall ? message.GetProperty("arguments")[0] : default;
        return isCall;
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _reading;
        _socket.Dispose();
    }

    private Task SendAsync(string text) => _socket.SendAsync(Encoding.UTF8.GetBytes(text + End), WebSocketMessageType.Text, true, CancellationToken.None);

    private async Task ReadAsync()
    {
        var buffer = new byte[64 * 1024];
        using var message = new MemoryStream();
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(buffer, CancellationToken.None);
                if (part.MessageType == WebSocketMessageType.Close) return;
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage) continue;
                var at = Stopwatch.GetTimestamp();
                foreach (var text in Encoding.UTF8.GetString(message.GetBuffer(), 0, (int)message.Length).Split(End, StringSplitOptions.RemoveEmptyEntries))
                    OnMessage(JsonElement.Parse(text), at);
                message.SetLength(0);
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Its server is gone, or it is disposed of.
        }
    }
}
