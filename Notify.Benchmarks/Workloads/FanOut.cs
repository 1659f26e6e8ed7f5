using System.Diagnostics;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>The publishers and followers of a fan-out.</summary>
internal sealed record FanOutPlan(int Subscribers, int Topics, int Publishers, double Seconds, double WarmUp);

/// <summary>
/// P1 and P1b: closed-loop publishers, connections that follow one topic each. Counted from the first publish to the
/// last delivery, so nothing is left out at either end.
/// </summary>
internal static class FanOut
{
    public const string PerCoreSecond = "per core-second";

    public static async Task RunAsync(Laboratory laboratory, WorkloadReport report, FanOutPlan plan, IReadOnlyList<Target> targets)
    {
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            foreach (var target in targets)
            {
                await laboratory.BeginAsync($"{report.Workload} run {run}: {target.Name}");
                await RunOnceAsync(laboratory, report, plan, target);
            }
        }
    }

    private static async Task RunOnceAsync(Laboratory laboratory, WorkloadReport report, FanOutPlan plan, Target target)
    {
        await using var bench = await Bench.StartAsync(laboratory, target);
        await using var subscribers = await bench.SubscribeAsync(plan.Subscribers, plan.Topics);
        await using var publishers = await bench.PublishersAsync(plan.Publishers, plan.Topics);
        var each = plan.Subscribers / plan.Topics;

        await Warming.RunAsync([bench.Server.ProcessId], publishers, subscribers, each, plan.WarmUp);

        var (server, storage, clock, neighbours) = (bench.ServerCpu, bench.StorageCpu, Stopwatch.StartNew(), new Neighbours());
        var published = await publishers.RunAsync(plan.Seconds);
        var got = await subscribers.ReportAsync(published.Acked * each);
        var seconds = clock.Elapsed.TotalSeconds;
        server = bench.ServerCpu - server;
        storage = bench.StorageCpu - storage;

        if (Validity.Problem(published, got, published.Acked * each, each == plan.Subscribers) is { } problem)
        {
            report.Invalid.Add($"{target.Name}: {problem}");
            return;
        }

        report.Add(target.Name,
            (PerCoreSecond, got.Deliveries / (server + storage)),
            ("deliveries/s", got.Deliveries / seconds),
            ("publishes/s", published.Acked / published.Seconds),
            ("server CPU", server / seconds),
            ("Postgres CPU", storage / seconds),
            ("others' CPU", neighbours.Cores),
            ("ack p50 ms", published.Latency?.P50 ?? 0),
            ("ack p99 ms", published.Latency?.P99 ?? 0));
    }
}
