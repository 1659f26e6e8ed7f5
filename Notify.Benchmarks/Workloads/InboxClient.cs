using System.Diagnostics;
using System.Net.Http.Json;
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

    /// <summary>The median of some calls of each path in ms, in turn, after some that warm them.</summary>
    public async Task<IReadOnlyList<double>> MediansAsync(IReadOnlyList<string> paths, int calls)
    {
        var times = paths.Select(_ => new List<double>(calls)).ToList();
        for (var i = -calls; i < calls; i++)
        {
            for (var path = 0; path < paths.Count; path++)
            {
                var begun = Stopwatch.GetTimestamp();
                await _http.GetStringAsync(new Uri(paths[path], UriKind.Relative));
                if (i >= 0) times[path].Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            }
        }

        return times.ConvertAll(Median.Of);
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        using var answer = await _http.PostAsJsonAsync(new Uri(path, UriKind.Relative), body);
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }
}

/// <summary>A connection that asked for the counts of its user's inbox.</summary>
internal sealed class InboxListener : HubListener
{
    private readonly Channel<(long Rev, long At)> _told = Channel.CreateUnbounded<(long, long)>();

    public static async Task<InboxListener> StartAsync(RunningServer server, string user)
    {
        var listener = new InboxListener();
        await listener.StartAsync(server, $"?user={user}", """{"inbox":true}""");
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

    protected override void OnMessage(JsonElement message, long at)
    {
        if (IsCall(message, "InboxChanged", out var counts)) _told.Writer.TryWrite((counts.GetProperty("rev").GetInt64(), at));
    }
}
