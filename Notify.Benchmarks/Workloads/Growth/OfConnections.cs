using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads.Growth;

/// <summary>More and more connections, each following a topic of its own: what each takes of memory, and what a publish to one of them costs.</summary>
internal static class OfConnections
{
    /// <summary>Connections that are there before: what is made once is not counted.</summary>
    private const int Before = 50;

    /// <summary>Files of a process beside its connections, generously.</summary>
    private const int OtherFiles = 1000;

    private const string Heap = "heap KiB";
    private const string Resident = "resident KiB";
    private const string Post = "POST";
    private const string Batched = "batch of 100";
    private const double Kibibyte = 1024;

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(3);

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var wanted = line.Number("connections", 20_000);
        var seconds = line.Number("seconds", 4);
        var curve = new GrowthCurve("connections", "memory of each connection, and CPU µs of a publish to one of them and its delivery", "connections",
            GrowthCurve.FolderOf(line));
        line.RefuseUnknown();
        var largest = Math.Min(wanted, await OpenFiles.AllowAsync(wanted + OtherFiles) - OtherFiles);
        if (largest < wanted) curve.Report.Notes.Add($"Up to {largest} of {wanted}: a process may open no more files here (ulimit -Hn).");
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            foreach (var size in GrowthCurve.Sizes(100, largest))
            {
                await laboratory.BeginAsync($"growth run {run}: {size} connections");
                await MeasureAsync(laboratory, curve, size, seconds);
            }
        }

        curve.Report.Notes.Add($"Memory after a full collection, over a server with {Before} connections.");
        curve.Draw("connections-memory", "Memory of an idle connection, by the connections there are", "KiB", Heap, Resident);
        curve.Draw("connections-publish", "CPU of a publish to one connection, by the connections there are", "microseconds of CPU", Post, Batched);
        return curve.Report;
    }

    private static async Task MeasureAsync(Laboratory laboratory, GrowthCurve curve, int size, double seconds)
    {
        await using var storage = await laboratory.NewStorageAsync("postgres");
        await using var server = await storage.StartServerAsync(withProbe: true);
        var client = new SubscriberOptions { Peer = PeerKind.Notify, Port = server.Port };
        await using var first = await Subscribers.StartAsync(client with { Connections = Before, Topics = Before, FirstTopic = size });
        await Task.Delay(Rest);
        var (heap, resident) = (await server.Probe.HeapBytesAsync(), CpuClock.ResidentBytes(server.ProcessId));

        await using var subscribers = await Subscribers.StartAsync(client with { Connections = size, Topics = size });
        await Task.Delay(Rest);
        heap = await server.Probe.HeapBytesAsync() - heap;
        resident = CpuClock.ResidentBytes(server.ProcessId) - resident;
        if (subscribers.Ready.Problems is { } problem)
        {
            curve.Report.Invalid.Add($"{curve.Row(size)}: {problem}");
            return;
        }

        curve.Report.Add(curve.Row(size), (Heap, heap / Kibibyte / size), (Resident, resident / Kibibyte / size));
        var costs = curve.Costs(size, server, storage, seconds);
        await CostMeter.OnceAsync(costs.DeliverAsync(Post, subscribers, size));
        await CostMeter.OnceAsync(costs.DeliverAsync(Batched, subscribers, size, 100));
    }
}
