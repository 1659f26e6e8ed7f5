using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>P3: publish to receive under a light load.</summary>
internal static class LightLoad
{
    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var subscribers = line.Number("subscribers", 100);
        var rate = line.Number("rate", 50);
        var seconds = line.Number("seconds", 10);
        var protocol = line.Text("protocol", "json");
        var only = line.Find("only");
        line.RefuseUnknown();

        var report = new WorkloadReport("p3", $"publish → receive, {rate} publishes a second, {subscribers} subscribers");
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            report.Add("one fsync", ("p50 ms", await FsyncTime.MedianMillisecondsAsync(laboratory.File("fsync"), 300, TimeSpan.Zero)));
            report.Add($"one fsync, {rate} a second",
                ("p50 ms", await FsyncTime.MedianMillisecondsAsync(laboratory.File("fsync"), 2 * rate, TimeSpan.FromSeconds(1.0 / rate))));
            foreach (var target in Only.Of([Target.Notify(protocol), Target.Notify(protocol, "sqlite"), Target.Stock(protocol), Target.Raw()], only))
            {
                await laboratory.BeginAsync($"p3 run {run}: {target.Name}");
                await RunOnceAsync(laboratory, report, target, subscribers, rate, seconds);
            }
        }

        report.Notes.Add("The raw limit's frame carries no time: publish → answer, which is after the last write.");
        return report;
    }

    private static async Task RunOnceAsync(Laboratory laboratory, WorkloadReport report, Target target, int connections, int rate, int seconds)
    {
        await using var bench = await Bench.StartAsync(laboratory, target);
        await using var subscribers = await bench.SubscribeAsync(connections, 1);
        await using var publishers = await bench.PublishersAsync(16, 1);
        await subscribers.ExpectStampsAsync();

        // Warm by work, not by time: 50 a second would leave the code unoptimised for a minute.
        await Warming.RunAsync([bench.Server.ProcessId], publishers, subscribers, connections, 6);
        var settled = await publishers.RunRateAsync(rate, 2);
        await subscribers.ReportAsync(settled.Acked * connections);

        var neighbours = new Neighbours();
        var published = await publishers.RunRateAsync(rate, seconds);
        var got = await subscribers.ReportAsync(published.Acked * connections);
        if (Validity.Problem(published, got, published.Acked * connections, isEqual: true) is { } problem)
        {
            report.Invalid.Add($"{target.Name}: {problem}");
            return;
        }

        if (target.Peer == PeerKind.Raw) got = got with { Latency = published.Latency };
        report.Add(target.Name, ("p50 ms", got.Latency!.P50), ("p90 ms", got.Latency.P90), ("p99 ms", got.Latency.P99), ("max ms", got.Latency.Max),
            ("ack p50 ms", published.Latency!.P50), ("others' CPU", neighbours.Cores));
    }
}
