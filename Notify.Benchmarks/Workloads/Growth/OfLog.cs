using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads.Growth;

/// <summary>One log that grows: what appending to it costs, and reading its end.</summary>
internal static class OfLog
{
    private const int Topics = 1000;
    private const int AppendBatch = 500;

    private const string Post = "append, POST";
    private const string Batched = "append, batch of 500";
    private const string Replay = "replay of all";
    private const string ReplayTopic = "replay of a topic";

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var largest = line.Number("rows", 10_000_000);
        var missed = line.Number("missed", 100_000);
        var seconds = line.Number("seconds", 4);
        var curve = new GrowthCurve("log", "CPU µs each as the log grows", "notifications stored", GrowthCurve.FolderOf(line));
        line.RefuseUnknown();
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            await using var log = await LongLog.BeginAsync(laboratory, Topics);
            foreach (var size in GrowthCurve.Sizes(missed, largest))
            {
                await laboratory.BeginAsync($"growth run {run}: {size} stored");
                await log.GrowAsync(size);
                await MeasureAsync(curve, log.Storage, size, missed, seconds);
            }
        }

        curve.Report.Notes.Add($"Replay: the last {missed}, of all topics by one client; of {Topics} topics by a client each. The node's memory holds about " +
            "as many of the newest.");
        curve.Draw("log-append", "CPU of an append, by what is stored", "microseconds of CPU", Post, Batched);
        curve.Draw("log-replay", "CPU of a replayed notification, by what is stored", "microseconds of CPU", Replay, ReplayTopic);
        return curve.Report;
    }

    private static async Task MeasureAsync(GrowthCurve curve, Storage storage, int size, int missed, double seconds)
    {
        await using var server = await storage.StartServerAsync();
        var costs = curve.Costs(size, server, storage, seconds);
        var client = new SubscriberOptions { Peer = PeerKind.Notify, Port = server.Port, Since = await storage.HeadAsync() - missed };
        await CostMeter.OnceAsync(costs.ReplayAsync(Replay, client with { FollowsAll = true }, missed));
        await CostMeter.OnceAsync(costs.ReplayAsync(ReplayTopic, client with { Connections = Topics, Topics = Topics, Window = 16 }, missed));
        await CostMeter.OnceAsync(costs.AppendAsync(Post, Topics, firstTopic: Topics));
        await CostMeter.OnceAsync(costs.AppendAsync(Batched, Topics, AppendBatch, firstTopic: Topics));
    }
}
