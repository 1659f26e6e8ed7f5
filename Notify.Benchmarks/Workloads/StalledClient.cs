using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// P8: one client that takes no byte beside a thousand that do. In one server, by turns without it and with it: a burst
/// that fills what may wait for it, then publish to receive of the others under a light load.
/// </summary>
internal static class StalledClient
{
    private const string Without = "without";
    private const string With = "with a stalled client";

    /// <summary>More than the node keeps in memory: what grows from then on is not the log.</summary>
    private const int Stored = 150_000;

    /// <summary>Some 4 MB: over what the kernel's buffers take for a client that takes nothing, so that the node has to bear it.</summary>
    private const int Burst = 10_000;

    private const double Mebibyte = 1024 * 1024;

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var plan = new Plan(line.Number("subscribers", 1000), line.Number("rate", 20), line.Number("seconds", 12), line.Text("protocol", "json"));
        var turns = line.Number("turns", 3);
        var storage = line.Text("storage", "postgres");
        line.RefuseUnknown();

        var report = new WorkloadReport("p8", $"one stalled client among {plan.Subscribers}, {plan.Rate} publishes a second; {turns} turns a run");
        report.Ratio(With, Without, "p50 ms");
        report.Ratio(With, Without, "p99 ms");
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            await using var bench = await Bench.StartAsync(laboratory, Target.Notify(plan.Protocol, storage), withProbe: true);
            await Filling.PublishAsync(bench.Server, Stored, topics: 1);
            await using var subscribers = await bench.SubscribeAsync(plan.Subscribers, 1);
            await using var publishers = await bench.PublishersAsync(16, 1);
            await subscribers.ExpectStampsAsync();
            await Warming.RunAsync([bench.Server.ProcessId], publishers, subscribers, plan.Subscribers, 6);
            for (var turn = 1; turn <= turns; turn++)
            {
                await laboratory.BeginAsync($"p8 run {run}, turn {turn}");
                var without = await MeasureAsync(report, bench, publishers, subscribers, plan, Without);
                await using var stalled =
                    await StalledSubscriber.StartAsync(new SubscriberOptions { Peer = PeerKind.Notify, Port = bench.Server.Port, Protocol = plan.Protocol });
                var with = await MeasureAsync(report, bench, publishers, subscribers, plan, With);
                report.Add("with − without", ("heap MiB", with.Heap - without.Heap), ("resident MiB", with.Resident - without.Resident));
                var comingsBack = (await stalled.ReportAsync()).ComingsBack;
                report.Add(With, ("cut and back", comingsBack));
                if (comingsBack == 0) report.Invalid.Add($"turn {turn}: the client was never cut, so it did not stall");
            }
        }

        report.Notes.Add("Goal: the others' p99 with / without at most 1.2; heap and resident memory at most 10 MB more.");
        report.Notes.Add("Memory after a full collection, at the end of each turn. The stalled client is cut after 10 s without a byte taken, and comes " +
            "back at once.");
        return report;
    }

    private static async Task<Memory> MeasureAsync(WorkloadReport report, Bench bench, Publishers publishers, Subscribers subscribers, Plan plan, string name)
    {
        var burst = await publishers.RunCountAsync(Burst);
        var filled = await subscribers.ReportAsync(burst.Acked * plan.Subscribers);
        var neighbours = new Neighbours();
        var published = await publishers.RunRateAsync(plan.Rate, plan.Seconds);
        var got = await subscribers.ReportAsync(published.Acked * plan.Subscribers);
        var others = neighbours.Cores;
        var memory = new Memory(await bench.Server.Probe.HeapBytesAsync() / Mebibyte, CpuClock.ResidentBytes(bench.Server.ProcessId) / Mebibyte);
        var problem = Validity.Problem(burst, filled, burst.Acked * plan.Subscribers, isEqual: true)
                      ?? Validity.Problem(published, got, published.Acked * plan.Subscribers, isEqual: true);
        if (problem is not null) report.Invalid.Add($"{name}: {problem}");
        else
        {
            report.Add(name,
                ("p50 ms", got.Latency!.P50), ("p90 ms", got.Latency.P90), ("p99 ms", got.Latency.P99), ("max ms", got.Latency.Max),
                ("heap MiB", memory.Heap), ("resident MiB", memory.Resident), ("others' CPU", others));
        }

        return memory;
    }

    private sealed record Plan(int Subscribers, int Rate, int Seconds, string Protocol);

    private readonly record struct Memory(double Heap, double Resident);
}
