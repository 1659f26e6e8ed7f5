using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// P9: two nodes; what is published on one is received on it, or on the other. One after the other and never both, since
/// the two nodes share a core here: received on both, the second would wait for the first one's deliveries.
/// </summary>
internal static class TwoNodes
{
    private const int Publishing = 0;
    private const int Other = 1;

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var load = new Load(line.Number("subscribers", 100), line.Number("rate", 50), line.Number("seconds", 10));
        var links = Links.Of(line.Find("link"));
        line.RefuseUnknown();

        var report = new WorkloadReport("p9", $"two nodes, {load.Rate} publishes a second on one, {load.Subscribers} subscribers on it or on the other");
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            foreach (var (name, isRedis) in links)
            {
                await laboratory.BeginAsync($"p9 run {run}: {name}");
                await using var cluster = await Cluster.StartAsync(laboratory, 2, isRedis);
                await using var publishers = await cluster.PublishersAsync(Publishing, 16);
                var local = await ReceiveAsync(report, cluster, publishers, Publishing, $"{name}, received on the same node", load);
                var remote = await ReceiveAsync(report, cluster, publishers, Other, $"{name}, received on the other node", load);
                if (local is null || remote is null) continue;
                report.Add($"{name}, other − same", ("p50 ms", remote.P50 - local.P50), ("p90 ms", remote.P90 - local.P90), ("p99 ms", remote.P99 - local.P99));
            }
        }

        report.Notes.Add("Goal: other − same, p50: at most 1 ms with Redis, 3 ms with NOTIFY.");
        return report;
    }

    private static async Task<LatencySummary?> ReceiveAsync(WorkloadReport report, Cluster cluster, Publishers publishers, int node, string name, Load load)
    {
        await using var subscribers = await cluster.SubscribeAsync(node, load.Subscribers);
        await subscribers.ExpectStampsAsync();

        // Warm by work, not by time, and settled, as in P3.
        await Warming.RunAsync(cluster.ProcessIds, publishers, subscribers, load.Subscribers, 6);
        var settled = await publishers.RunRateAsync(load.Rate, 2);
        await subscribers.ReportAsync(settled.Acked * load.Subscribers);

        var neighbours = new Neighbours();
        var published = await publishers.RunRateAsync(load.Rate, load.Seconds);
        var expected = published.Acked * load.Subscribers;
        var got = await subscribers.ReportAsync(expected);
        if (Validity.Problem(published, got, expected, isEqual: true) is { } problem)
        {
            report.Invalid.Add($"{name}: {problem}");
            return null;
        }

        report.Add(name,
            ("p50 ms", got.Latency!.P50), ("p90 ms", got.Latency.P90), ("p99 ms", got.Latency.P99), ("max ms", got.Latency.Max),
            ("ack p50 ms", published.Latency!.P50), ("others' CPU", neighbours.Cores));
        return got.Latency;
    }

    private sealed record Load(int Subscribers, int Rate, int Seconds);
}
