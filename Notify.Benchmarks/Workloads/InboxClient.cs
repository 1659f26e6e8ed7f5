using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>A user's calls, and a connection that is told its counts, against one node in open Development.</summary>
internal sealed class InboxClient(RunningServer server) : IDisposable
{
    private const int Batch = 1000;

    private readonly HttpClient _http = new() { BaseAddress = new Uri($"http://127.0.0.1:{server.Port}/api/v1/"), Timeout = TimeSpan.FromSeconds(60) };

    public async Task FollowAsync(string user, IEnumerable<string> topics)
    {
        foreach (var chunk in topics.Chunk(500)) await PostAsync($"users/{user}/subscriptions", new { topics = chunk });
    }

    /// <summary>Publishes to these topics, one after the other.</summary>
    public async Task PublishAsync(IEnumerable<string> topics)
    {
        foreach (var chunk in topics.Chunk(Batch))
            await PostAsync("notifications/batch", new { notifications = chunk.Select(topic => new { topic, title = "x" }) });
    }

    public async Task<long> PublishToAsync(string user) => (await PostAsync("notifications", new { user, title = "x" })).GetProperty("version").GetInt64();

    public async Task<JsonElement> MarkAsync(string user, string operation, object mark) => await PostAsync($"users/{user}/inbox/{operation}", mark);

    public Task<JsonElement> GetAsync(string path) => _http.GetFromJsonAsync<JsonElement>(new Uri(path, UriKind.Relative));

    /// <summary>The median of some calls in ms, after some that warm it.</summary>
    public async Task<double> MedianAsync(string path, int calls)
    {
        var times = new List<double>(calls);
        for (var i = -calls; i < calls; i++)
        {
            var begun = Stopwatch.GetTimestamp();
            await _http.GetStringAsync(new Uri(path, UriKind.Relative));
            if (i >= 0) times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }

        return Median.Of(times);
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        using var answer = await _http.PostAsJsonAsync(new Uri(path, UriKind.Relative), body);
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }
}

/// <summary>A connection over the JSON hub protocol that asked for the counts of its user's inbox.</summary>
internal sealed class InboxListener : IAsyncDisposable
{
    private const char End = '\u001e';

    private readonly ClientWebSocket _socket = new();
    private readonly Channel<(long Rev, long At)> _told = Channel.CreateUnbounded<(long, long)>();
    private Task _reading = Task.CompletedTask;

    public static async Task<InboxListener> StartAsync(RunningServer server, string user)
    {
        var listener = new InboxListener();
        await listener._socket.ConnectAsync(new Uri($"ws://127.0.0.1:{server.Port}/hubs/notifications?user={user}"), CancellationToken.None);
        await listener.SendAsync("""{"protocol":"json","version":1}""");
        await listener.SendAsync("""{"type":1,"invocationId":"1","target":"Resume","arguments":[{"inbox":true}]}""");
        listener._reading = Task.Run(listener.ReadAsync);
        await listener.ToldAsync(0);
        return listener;
    }

    /// <summary>When the counts came that have this version in them.</summary>
    public async Task<long> ToldAsync(long rev)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var (told, at) = await _told.Reader.ReadAsync(patience.Token);
            if (told >= rev) return at;
        }
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
        var text = new StringBuilder();
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(buffer, CancellationToken.None);
                if (part.MessageType == WebSocketMessageType.Close) return;
                text.Append(Encoding.UTF8.GetString(buffer, 0, part.Count));
                if (!part.EndOfMessage) continue;
                var at = Stopwatch.GetTimestamp();
                foreach (var message in text.ToString().Split(End, StringSplitOptions.RemoveEmptyEntries))
                {
                    if (!message.Contains("InboxChanged", StringComparison.Ordinal)) continue;
                    _told.Writer.TryWrite((JsonElement.Parse(message).GetProperty("arguments")[0].GetProperty("rev").GetInt64(), at));
                }

                text.Clear();
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            _told.Writer.TryComplete();
        }
    }
}
