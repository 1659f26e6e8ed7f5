using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>P6: the same work in a small installation and in a large one. What it costs must not grow with what lies around it.</summary>
internal static class P6
{
    private const int RowsATopic = 100;
    private const int Followed = 1000;
    private const int AppendBatch = 500;

    private const string Append = "append, POST";
    private const string AppendBatched = "append, batch";
    private const string Deliver = "publish and deliver, POST";
    private const string DeliverBatched = "publish and deliver, batch";
    private const string Replay = "replay of all";
    private const string ReplayTopic = "replay of a topic";

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var rows = line.Number("rows", 10_000_000);
        var missed = line.Number("missed", 300_000);
        var subscribers = line.Number("subscribers", 10_000);
        var filters = line.Number("filters", 100_000);
        var seconds = line.Number("seconds", 4);
        line.RefuseUnknown();

        var small = new Size("small", missed, 0, 0);
        var large = new Size("large", rows, subscribers - Followed, filters);
        var report = new WorkloadReport("p6", $"growth: {rows} notifications, {large.Topics} topics, {filters} filters that do not match, {subscribers} subscribers; CPU µs each");
        foreach (var figure in (string[])[Append, AppendBatched, Deliver, DeliverBatched, Replay, ReplayTopic]) report.Ratio(large.Name, small.Name, figure);

        await using var smallLog = await WriteAsync(laboratory, small);
        await using var largeLog = await WriteAsync(laboratory, large);

        // By turns: a machine that others slow down for minutes slows both.
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            foreach (var (size, log) in ((Size, LongLog)[])[(small, smallLog), (large, largeLog)])
            {
                await laboratory.BeginAsync($"p6 run {run}: {size.Name}");
                await MeasureAsync(report, size, log.Storage, missed, seconds);
            }
        }

        report.Notes.Add($"Small: {small.Rows} notifications in {small.Topics} topics, {Followed} subscribers; either way {RowsATopic} notifications a topic before the first run.");
        report.Notes.Add($"Append: nobody listens; published topic after topic. Publish and deliver: {Followed} topics with a follower each, beside them in the large case {large.Idle} subscribers that get nothing.");
        report.Notes.Add($"Replay of all: {missed} missed of all topics, by one client. Replay of a topic: {Followed} clients, each away since the first notification, each of a topic of its own.");
        return report;
    }

    private static async Task<LongLog> WriteAsync(Laboratory laboratory, Size size)
    {
        await laboratory.BeginAsync($"p6: writes the {size.Name} log, {size.Rows} notifications in {size.Topics} topics");
        var log = await LongLog.BeginAsync(laboratory, size.Topics);
        try
        {
            await log.GrowAsync(size.Rows);
            return log;
        }
        catch
        {
            await log.DisposeAsync();
            throw;
        }
    }

    private static async Task MeasureAsync(WorkloadReport report, Size size, Storage storage, int missed, double seconds)
    {
        await using var server = await storage.StartServerAsync();
        report.Add(size.Name, ("ready ms", server.Started.TotalMilliseconds));
        var costs = new Costs(report, size.Name, server, storage, seconds);

        var client = new SubscriberOptions { Peer = PeerKind.Notify, Port = server.Port };
        await costs.ReplayAsync(Replay, client with { FollowsAll = true, Since = await storage.HeadAsync() - missed }, missed);
        var away = client with { Connections = Followed, Topics = Followed, Since = 0, Window = 16 };
        await costs.ReplayAsync(ReplayTopic, away, await storage.CountAsync(Followed));

        await costs.AppendAsync(Append, size.Topics);
        await costs.AppendAsync(AppendBatched, size.Topics, AppendBatch);

        await using var idle = size.Idle > 0
            ? await Subscribers.StartAsync(client with { Connections = size.Idle, Topics = size.Idle, FirstTopic = Followed, OtherFilters = size.Filters / size.Idle })
            : null;
        await using var followers = await Subscribers.StartAsync(client with { Connections = Followed, Topics = Followed });
        await costs.DeliverAsync(Deliver, followers, Followed);
        await costs.DeliverAsync(DeliverBatched, followers, Followed, 100);
        if (idle is not null && await idle.ReportAsync(0) is { Problems: { } problem }) report.Invalid.Add($"the idle ones: {problem}");
    }

    /// <param name="Name">Of the row.</param>
    /// <param name="Rows">In the log.</param>
    /// <param name="Idle">Subscribers that get nothing.</param>
    /// <param name="Filters">That do not match, all idle ones together.</param>
    private sealed record Size(string Name, int Rows, int Idle, int Filters)
    {
        public int Topics => Rows / RowsATopic;
    }
}
