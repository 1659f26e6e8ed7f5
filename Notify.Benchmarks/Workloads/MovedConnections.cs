using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// Presence while a node stops, or is killed, and all of its users connect to another one: what connections on a third node that
/// watch the users' rooms are told.
/// </summary>
internal static class MovedConnections
{
    private const int Rooms = 100;

    /// <summary>A lease, the time for which others keep what a node told, and the grace of connections; then nothing is told any more.</summary>
    private static readonly TimeSpan Settles = TimeSpan.FromSeconds(45);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var users = line.Number("connections", 10_000);
        var watching = line.Number("watchers", 10);
        line.RefuseUnknown();

        var report = new WorkloadReport(
            "presence", $"{users} users in {Rooms} rooms move from one node to another; {watching} connections on a third node watch all rooms");
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            foreach (var isKilled in (bool[])[false, true])
            {
                var name = isKilled ? "kill -9" : "deploy";
                await laboratory.BeginAsync($"presence run {run}: {name}");
                await MoveAsync(report, laboratory, name, isKilled, users, watching);
            }
        }

        report.Notes.Add("Events: what one watcher is told. In a second: the most in one second after the move began. " +
            "Without the move being known as such it would be two events for each user.");
        return report;
    }

    private static async Task MoveAsync(WorkloadReport report, Laboratory laboratory, string name, bool isKilled, int users, int watching)
    {
        await using var storage = await laboratory.NewStorageAsync("postgres");
        await using var from = await storage.StartServerAsync(withUsers: true);
        await using var to = await storage.StartServerAsync(withUsers: true);
        await using var third = await storage.StartServerAsync(withUsers: true);
        var options = new SubscriberOptions { Peer = PeerKind.Notify, Port = from.Port, Connections = users, Users = "u", Rooms = Rooms };
        await using var before = await Subscribers.StartAsync(options);
        var watchers = new List<PresenceListener>();
        try
        {
            for (var i = 0; i < watching; i++) watchers.Add(await PresenceListener.StartAsync(third, Rooms));
            var patience = Stopwatch.StartNew();
            while (watchers.Any(watcher => watcher.People != users) && patience.Elapsed < Patience) await Task.Delay(100);
            if (before.Ready.Problems is { } problem) report.Invalid.Add($"{name}: {problem}");
            foreach (var watcher in watchers) watcher.Forget();

            var begun = Stopwatch.GetTimestamp();
            var gone = isKilled ? from.KillAsync() : from.StopAsync();
            await using var after = await Subscribers.StartAsync(options with { Port = to.Port });
            var moved = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            await gone;
            await Task.Delay(Settles);
            if (after.Ready.Problems is { } other) report.Invalid.Add($"{name}: {other}");
            if (watchers.Find(watcher => watcher.People != users) is { } wrong) report.Invalid.Add($"{name}: a watcher counts {wrong.People} of {users}");
            report.Add(
                name,
                ("moved in s", moved),
                ("events", watchers.Max(watcher => watcher.Events)),
                ("leaves", watchers.Max(watcher => watcher.Leaves)),
                ("in a second", watchers.Max(watcher => watcher.MostInASecond)));
        }
        finally
        {
            foreach (var watcher in watchers) await watcher.DisposeAsync();
        }
    }
}

/// <summary>A connection that watches rooms.</summary>
internal sealed class PresenceListener : HubListener
{
    private readonly ConcurrentDictionary<string, long> _people = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<(long At, bool IsLeave)> _events = [];

    public long People => _people.Values.Sum();
    public int Events => _events.Count;
    public int Leaves => _events.Count(one => one.IsLeave);

    public int MostInASecond
    {
        get
        {
            var (events, first, most) = (_events.ToArray(), 0, 0);
            for (var last = 0; last < events.Length; last++)
            {
                while (Stopwatch.GetElapsedTime(events[first].At, events[last].At) >= TimeSpan.FromSeconds(1)) first++;
                most = Math.Max(most, last - first + 1);
            }

            return most;
        }
    }

    public static async Task<PresenceListener> StartAsync(RunningServer server, int rooms)
    {
        var listener = new PresenceListener();
        await listener.StartAsync(server, "", "{}");
        var topics = Enumerable.Range(0, rooms).Select(i => string.Create(CultureInfo.InvariantCulture, $"\"{LoadTopics.Room(i)}\""));
        await listener.CallAsync("WatchPresence", $$"""{"topics":[{{string.Join(',', topics)}}]}""");
        return listener;
    }

    public void Forget() => _events.Clear();

    protected override void OnMessage(JsonElement message, long at)
    {
        if (IsCall(message, "Presence", out var told))
        {
            _people[told.GetProperty("topic").GetString()!] = told.GetProperty("count").GetInt64();
            _events.Enqueue((at, told.TryGetProperty("event", out var what) && what.GetString() == "leave"));
        }
        else if (message.TryGetProperty("result", out var result) && result.TryGetProperty("topics", out var topics))
        {
            foreach (var topic in topics.EnumerateArray())
            {
                if (topic.TryGetProperty("count", out var count)) _people[topic.GetProperty("topic").GetString()!] = count.GetInt64();
            }
        }
    }
}
