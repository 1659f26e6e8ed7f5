using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Workloads.People;

/// <summary>REST calls to a server, with what they took.</summary>
internal sealed class PeopleCalls(RunningServer server) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri($"http://127.0.0.1:{server.Port}/api/v1/"), Timeout = TimeSpan.FromMinutes(5) };

    public async Task<(JsonElement Json, double Ms)> GetAsync(string path)
    {
        var clock = Stopwatch.GetTimestamp();
        var json = await _http.GetFromJsonAsync<JsonElement>(new Uri(path, UriKind.Relative));
        return (json, Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
    }

    public async Task<double> SendAsync(HttpMethod method, string path, object? body)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = body is null ? null : JsonContent.Create(body) };
        var clock = Stopwatch.GetTimestamp();
        using var answer = await _http.SendAsync(request);
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException($"{method} {path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        return Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
    }

    public Task<double> PublishAsync(string address, string to) =>
        SendAsync(HttpMethod.Post, "notifications", new Dictionary<string, string> { [address] = to, ["title"] = "x" });

    /// <summary>One after the other, a pause of some milliseconds between two, until told to stop.</summary>
    public async Task<List<double>> PublishUntilAsync(CancellationToken stop)
    {
        var took = new List<double>();
        while (!stop.IsCancellationRequested)
        {
            took.Add(await PublishAsync("topic", "beside"));
            await Task.WhenAny(Task.Delay(5, stop));
        }

        return took;
    }

    /// <summary>Gives a group a rule; how long until it is worked through.</summary>
    public async Task<double> RuleAsync(string group, string rule)
    {
        var clock = Stopwatch.GetTimestamp();
        await SendAsync(HttpMethod.Put, $"groups/{group}", new { rule });
        while ((await GetAsync($"groups/{group}")).Json.TryGetProperty("pending", out _)) await Task.Delay(20);
        return Stopwatch.GetElapsedTime(clock).TotalSeconds;
    }

    public void Dispose() => _http.Dispose();
}
