using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>P2: acknowledged durable publishes without subscribers, beside what pgbench gets from the same Postgres.</summary>
internal static class DurablePublish
{
    private const string PerSecond = "stored/s";

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var connections = line.Number("publishers", 64);
        var seconds = line.Number("seconds", 5);
        var warmUp = line.Number("warmup", 6);
        var topics = line.Number("topics", 100);
        var batch = line.Number("batch", 500);
        var storage = line.Text("storage", "postgres");
        var only = line.Find("only");
        line.RefuseUnknown();

        var post = Target.Notify(storage: storage) with { Name = $"Notify {storage}, POST" };
        var hub = post with { Name = $"Notify {storage}, hub", By = PublishBy.Hub };
        var batched = post with { Name = $"Notify {storage}, batch of {batch}", By = PublishBy.Batch, Batch = batch, Publishers = 8 };
        var report = new WorkloadReport("p2", $"acknowledged durable publishes, {connections} connections, {topics} topics");
        report.Notes.Add("pgbench: the log's table and indexes, a sequence for the version, one INSERT or COPY a commit; its CPU is Postgres's alone.");
        report.Notes.Add("The product's append: its own tables and commands, in one round trip. " +
            "The rows are part of the prepared statement, so none are sent.");
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            foreach (var target in Only.Of([post, hub, batched], only))
            {
                await laboratory.BeginAsync($"p2 run {run}: {target.Name}");
                await RunOnceAsync(laboratory, report, target, connections, topics, warmUp, seconds);
            }

            if (storage != "postgres" || !Only.Takes("pgbench", only)) continue;
            await laboratory.BeginAsync($"p2 run {run}: pgbench");
            var single = await PgBench.SingleRowsAsync(laboratory, connections, seconds);
            var rows = await PgBench.BatchesAsync(laboratory, batched.Publishers, batch, seconds);
            var copied = await PgBench.CopyAsync(laboratory, batched.Publishers, batch, seconds);
            var alone = await PgBench.AppendsAsync(laboratory, 1, batch, topics, seconds);
            var together = await PgBench.AppendsAsync(laboratory, batched.Publishers, batch, topics, seconds);
            foreach (var result in (PgBenchResult[])[single, rows, copied, alone, together])
                report.Add(result.Name, (PerSecond, result.RowsPerSecond), (FanOut.PerCoreSecond, result.RowsPerCoreSecond), ("Postgres CPU", result.Cpu));
            if (run > 1) continue;
            report.Ratio(post.Name, single.Name, PerSecond);
            report.Ratio(hub.Name, single.Name, PerSecond);
            foreach (var result in (PgBenchResult[])[alone, together, rows, copied]) report.Ratio(batched.Name, result.Name, PerSecond);
        }

        return report;
    }

    private static async Task RunOnceAsync(Laboratory laboratory, WorkloadReport report, Target target, int connections, int topics, double warmUp,
        double seconds)
    {
        await using var bench = await Bench.StartAsync(laboratory, target);
        await using var publishers = await bench.PublishersAsync(connections, topics);
        await Warming.RunAsync([bench.Server.ProcessId], publishers, null, 0, warmUp);

        var (server, storage, neighbours) = (bench.ServerCpu, bench.StorageCpu, new Neighbours());
        var published = await publishers.RunAsync(seconds);
        server = bench.ServerCpu - server;
        storage = bench.StorageCpu - storage;
        if (published.Refused > 0)
        {
            report.Invalid.Add($"{target.Name}: {published.Refused} refused: {published.Problems}");
            return;
        }

        report.Add(target.Name,
            (PerSecond, published.Acked / published.Seconds),
            (FanOut.PerCoreSecond, published.Acked / (server + storage)),
            ("server CPU", server / published.Seconds),
            ("Postgres CPU", storage / published.Seconds),
            ("others' CPU", neighbours.Cores),
            ("ack p50 ms", published.Latency?.P50 ?? 0),
            ("ack p99 ms", published.Latency?.P99 ?? 0));
    }
}
