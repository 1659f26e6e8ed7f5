using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>P5: what an idle connection with one subscription costs in memory.</summary>
internal static class IdleMemory
{
    /// <summary>Connections that are there before: what is made once, and compiled, is not counted.</summary>
    private const int Before = 200;

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var connections = line.Number("connections", 10_000);
        var protocol = line.Text("protocol", "json");
        var storage = line.Text("storage", "postgres");
        var only = line.Find("only");
        line.RefuseUnknown();

        var report = new WorkloadReport("p5", $"{connections} idle connections with one subscription each, a topic of its own");
        report.Notes.Add($"Over a server with {Before} connections; after a full collection, {Rest.TotalSeconds} s after the last has come.");
        var notify = Target.Notify(protocol, storage);
        var stock = Target.Stock(protocol);
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            foreach (var target in Only.Of([notify, stock, Target.Raw()], only))
            {
                await laboratory.BeginAsync($"p5 run {run}: {target.Name}");
                await using var bench = await Bench.StartAsync(laboratory, target, withProbe: true);
                await using var first = await bench.SubscribeAsync(Before, Before);
                await Task.Delay(Rest);
                var (heap, resident) = (await bench.Server.Probe.HeapBytesAsync(), CpuClock.ResidentBytes(bench.Server.ProcessId));

                await using var rest = await bench.SubscribeAsync(connections, connections);
                await Task.Delay(Rest);
                var residentUncollected = CpuClock.ResidentBytes(bench.Server.ProcessId) - resident;
                heap = await bench.Server.Probe.HeapBytesAsync() - heap;
                resident = CpuClock.ResidentBytes(bench.Server.ProcessId) - resident;
                if (rest.Ready.Problems is { } problem)
                {
                    report.Invalid.Add($"{target.Name}: {problem}");
                    continue;
                }

                const double Kilobyte = 1024;
                report.Add(target.Name,
                    ("heap KiB", heap / Kilobyte / connections),
                    ("resident KiB", resident / Kilobyte / connections),
                    ("resident before the collection", residentUncollected / Kilobyte / connections),
                    ("connect s", rest.Ready.ConnectMs / 1000));
            }
        }

        report.Ratio(notify.Name, stock.Name, "heap KiB");
        report.Ratio(notify.Name, stock.Name, "resident KiB");
        return report;
    }
}
