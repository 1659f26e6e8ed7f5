using Notify.Benchmarks.Options;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>P6: the same work in a small installation and in a large one. What it costs must not grow with what lies around it.</summary>
internal static class SmallAndLarge
{
    private const int Turns = 6;

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
        var seconds = line.Number("seconds", 3);
        line.RefuseUnknown();

        var small = new InstallationSize("small", missed, 0, 0);
        var large = new InstallationSize("large", rows, subscribers - Installation.Followed, filters);
        var report = new WorkloadReport("p6", $"growth: {rows} notifications, {large.Topics} topics, {filters} filters that do not match, {subscribers} " +
            "subscribers; CPU µs each");
        foreach (var figure in (string[])[Append, AppendBatched, Deliver, DeliverBatched, Replay, ReplayTopic]) report.Ratio(large.Name, small.Name, figure);

        await using var smallLog = await WriteAsync(laboratory, small);
        await using var largeLog = await WriteAsync(laboratory, large);

        for (var run = 1; run <= laboratory.Runs; run++)
        {
            await laboratory.BeginAsync($"p6 run {run}");
            await using var one = await Installation.StartAsync(report, small, smallLog.Storage, seconds);
            await using var other = await Installation.StartAsync(report, large, largeLog.Storage, seconds);
            await ByTurnsAsync(one, other, installation => installation.ReplayAsync(Replay, missed));
            await ByTurnsAsync(one, other, installation => installation.ReplayTopicsAsync(ReplayTopic));
            await ByTurnsAsync(one, other, installation => installation.AppendAsync(Append));
            await ByTurnsAsync(one, other, installation => installation.AppendBatchesAsync(AppendBatched));
            await one.ConnectAsync();
            await other.ConnectAsync();
            await ByTurnsAsync(one, other, installation => installation.DeliverAsync(Deliver));
            await ByTurnsAsync(one, other, installation => installation.DeliverBatchesAsync(DeliverBatched));
            await one.CheckIdleAsync();
            await other.CheckIdleAsync();
        }

        report.Notes.Add($"Small: {small.Rows} notifications in {small.Topics} topics, {Installation.Followed} subscribers; either way " +
            $"{InstallationSize.RowsATopic} notifications a topic before the first run.");
        report.Notes.Add($"Append: nobody listens; published topic after topic. Publish and deliver: {Installation.Followed} topics with a follower each, " +
            $"beside them in the large case {large.Idle} subscribers that get nothing.");
        report.Notes.Add($"Replay of all: {missed} missed of all topics, by one client. Replay of a topic: {Installation.Followed} clients, each away since " +
            "the first notification, each of a topic of its own.");
        return report;
    }

    private static async Task<LongLog> WriteAsync(Laboratory laboratory, InstallationSize size)
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

    private static async Task ByTurnsAsync(Installation one, Installation other, Func<Installation, Task<CostMeter>> begin) =>
        await CostMeter.ByTurnsAsync(Turns, await begin(one), await begin(other));
}
