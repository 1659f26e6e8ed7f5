using System.Diagnostics;
using System.Globalization;
using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// Publish to receive while the server is busy: saturated by closed loops, and with a load that is offered whether or not the server keeps up,
/// in shares of what the same server takes when it is saturated.
/// </summary>
internal static class LatencyUnderLoad
{
    private const double Mebibyte = 1024 * 1024;
    private static readonly double[] Shares = [0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1, 1.2];

    /// <summary>About so many connections read the time in what they get: more would make the generator the bottleneck.</summary>
    private const int Readers = 100;

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var connections = line.Number("subscribers", 1000);
        var topics = line.Number("topics", connections);
        var publishers = line.Number("publishers", 64);
        var seconds = line.Number("seconds", 8);
        var protocol = line.Text("protocol", "json");
        var withCurve = !line.Flag("saturated");
        var folder = line.Find("charts");
        var only = line.Find("only");
        line.RefuseUnknown();

        var report = new WorkloadReport(
            "latency", $"publish → receive, {connections} subscribers of {topics} topics, {publishers} publishers, single POSTs");
        Target[] targets = [Target.Notify(protocol), Target.Stock(protocol), Target.Raw()];
        foreach (var figure in (string[])["publish + deliver per core-second", "p99 ms"]) report.Ratio(Saturated(targets[0]), Saturated(targets[1]), figure);
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            foreach (var target in Only.Of(targets, only))
            {
                await laboratory.BeginAsync($"latency run {run}: {target.Name}");
                await using var bench = await Bench.StartAsync(laboratory, target, withProbe: true);
                await using var subscribers = await bench.SubscribeAsync(connections, topics);
                await using var load = await bench.PublishersAsync(publishers, topics);
                await subscribers.ExpectStampsAsync(Math.Max(1, connections / Readers));
                var each = connections / topics;
                await Warming.RunAsync([bench.Server.ProcessId], load, subscribers, each, 6);
                await bench.Server.Probe.PausesAsync();

                var most = await MeasureAsync(report, bench, subscribers, each, Saturated(target), () => load.RunAsync(seconds));
                if (!withCurve || most is null) continue;
                foreach (var share in Shares)
                    await MeasureAsync(report, bench, subscribers, each, At(target, share), () => load.RunRateAsync(most.Value * share, seconds));
            }
        }

        Draw(report, targets, folder);
        report.Notes.Add("The raw limit's frame carries no time: publish → answer, which is after the last write.");
        return report;
    }

    /// <summary>Measures one load. The acknowledged publishes a second, or null when the run does not count.</summary>
    private static async Task<double?> MeasureAsync(
        WorkloadReport report, Bench bench, Subscribers subscribers, int each, string row, Func<Task<PublisherReport>> publish)
    {
        await bench.Server.Probe.PausesAsync();
        var (cpu, clock, neighbours) = (bench.ServerCpu + bench.StorageCpu, Stopwatch.StartNew(), new Neighbours());
        var published = await publish();
        var got = await subscribers.ReportAsync(published.Acked * each);
        var seconds = clock.Elapsed.TotalSeconds;
        cpu = bench.ServerCpu + bench.StorageCpu - cpu;
        var pauses = await bench.Server.Probe.PausesAsync();
        if (Validity.Problem(published, got, published.Acked * each, isEqual: false) is { } problem)
        {
            report.Invalid.Add($"{row}: {problem}");
            return null;
        }

        var latency = (bench.Target.Peer == PeerKind.Raw ? published.Latency : got.Latency)!;
        report.Add(row,
            ("publishes/s", published.Acked / published.Seconds),
            ("publish + deliver per core-second", got.Deliveries / cpu),
            ("p50 ms", latency.P50), ("p90 ms", latency.P90), ("p99 ms", latency.P99), ("max ms", latency.Max),
            ("ack p99 ms", published.Latency!.P99),
            ("paused %", pauses.TotalMilliseconds / seconds / 10),
            ("longest pause ms", pauses.LongestMilliseconds),
            ("full collections", pauses.Full),
            ("KB allocated a publish", pauses.AllocatedBytes / 1024.0 / published.Acked),
            ("resident MiB", CpuClock.ResidentBytes(bench.Server.ProcessId) / Mebibyte),
            ("others' CPU", neighbours.Cores));
        return published.Acked / published.Seconds;
    }

    private static void Draw(WorkloadReport report, Target[] targets, string? folder)
    {
        if (folder is null) return;
        var lines = new List<ChartLine>();
        foreach (var target in targets)
        {
            foreach (var figure in (string[])["p50", "p99"])
            {
                var points = Shares.Where(share => report.Targets.ContainsKey(At(target, share)))
                    .Select(share => (share * 100, Median.Of(report.Targets[At(target, share)][figure + " ms"]))).ToList();
                if (points.Count > 0) lines.Add(new ChartLine($"{target.Name.Split(' ')[0]} {figure}", points));
            }
        }

        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "latency.svg"),
            new Chart("Publish → receive under load", "offered load, % of saturation", "milliseconds (logarithmic)", lines, inPowersOfTen: true).Draw());
    }

    private static string Saturated(Target target) => target.Name + ", saturated";

    private static string At(Target target, double share) =>
        string.Create(CultureInfo.InvariantCulture, $"{target.Name}, {share * 100:0} %");
}
