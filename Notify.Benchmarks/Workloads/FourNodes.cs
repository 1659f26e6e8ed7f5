using System.Diagnostics;
using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// What nodes cost: as many publishers on one node as on each of four; and what a node asks of Postgres, busy and
/// idle. As many followers of everything, on the one node or one on each, hold what was acknowledged against what arrives.
/// </summary>
/// <remarks>
/// Four nodes with a database each share nothing but the core: what they lose against one node is what four processes on one core cost, whatever
/// joins them.
/// </remarks>
internal static class FourNodes
{
    private const double IdleSeconds = 10;

    /// <summary>A connection that falls idle tells what it did up to ten seconds late.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(11);

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var nodes = line.Number("nodes", 4);
        var load = new Load(line.Number("publishers", 64), line.Number("topics", 100), line.Number("seconds", 5));
        var batch = line.Number("batch", 100);
        var chosen = line.Find("link");
        var links = chosen == "none" ? [] : Links.Of(chosen);
        line.RefuseUnknown();

        (string How, Load Load)[] kinds = [("POST", load), ($"batch of {batch}", load with { Publishers = 8, Batch = batch })];
        var report = new WorkloadReport("cluster", $"{load.Publishers} publishers on one node, and on each of {nodes}");
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            if (chosen is null or "none")
            {
                await laboratory.BeginAsync($"cluster run {run}: {nodes} nodes with a database each");
                await using var apart = await Cluster.StartApartAsync(laboratory, nodes);
                foreach (var (how, kind) in kinds) await LoadAsync(report, apart, $"a database each, {how}", nodes, nodes, kind);
            }

            foreach (var (link, isRedis) in links)
            {
                foreach (var count in (int[])[1, nodes])
                {
                    await laboratory.BeginAsync($"cluster run {run}: {link}, {count} nodes");
                    await using var cluster = await Cluster.StartAsync(laboratory, count, isRedis);
                    foreach (var (how, kind) in kinds) await LoadAsync(report, cluster, $"{link}, {Nodes(count)}, {how}", count, nodes, kind);
                    if (count > 1)
                    {
                        foreach (var (how, kind) in kinds)
                            await LoadAsync(report, cluster, $"{link}, {Nodes(count)}, {how} through one", count, nodes, kind with { IsThroughOne = true });
                    }

                    await IdleAsync(report, cluster, $"{link}, {Nodes(count)}, idle", count);
                }

                if (run > 1) continue;
                foreach (var (how, _) in kinds)
                {
                    report.Ratio($"{link}, {Nodes(nodes)}, {how}", $"{link}, {Nodes(1)}, {how}", "stored/s");
                    report.Ratio($"{link}, {Nodes(nodes)}, {how}", $"{link}, {Nodes(1)}, {how}", FanOut.PerCoreSecond);
                }
            }
        }

        report.Notes.Add("Transactions: what Postgres counts for the database, each one round trip of a node; an append is one, its NOTIFY another.");
        report.Notes.Add("All nodes, Postgres and Redis share one core: per core-second is what compares, and counts them all.");
        return report;
    }

    private static string Nodes(int count) => count == 1 ? "1 node" : $"{count} nodes";

    private static async Task LoadAsync(WorkloadReport report, Cluster cluster, string name, int nodes, int followers, Load load)
    {
        var subscribers = new List<Subscribers>();
        var publishers = new List<Publishers>();
        try
        {
            for (var follower = 0; follower < followers; follower++) subscribers.Add(await cluster.SubscribeAsync(follower % nodes, 1));
            for (var node = 0; node < nodes; node++)
                publishers.Add(await cluster.PublishersAsync(load.IsThroughOne ? 0 : node, load.Publishers, load.Topics, load.Batch));

            await Warming.RunAsync(cluster.ProcessIds, async window =>
            {
                var (warming, _) = await RunAsync(cluster, publishers, subscribers, window);
                return warming.Sum(p => p.Acked);
            }, 6);
            var transactions = await cluster.TransactionsAsync();
            var (server, storage, clock, neighbours) = (cluster.ServerCpu, cluster.StorageCpu, Stopwatch.StartNew(), new Neighbours());
            var (published, got) = await RunAsync(cluster, publishers, subscribers, load.Seconds);
            var seconds = clock.Elapsed.TotalSeconds;
            server = cluster.ServerCpu - server;
            storage = cluster.StorageCpu - storage;
            var others = neighbours.Cores;
            transactions = await cluster.TransactionsAsync() - transactions;

            var acked = published.Sum(p => p.Acked);
            if (Problem(cluster, published, got) is { } problem)
            {
                report.Invalid.Add($"{name}: {problem}");
                return;
            }

            report.Add(name,
                ("stored/s", acked / published.Max(p => p.Seconds)),
                (FanOut.PerCoreSecond, acked / (server + storage)),
                ("nodes' CPU", server / seconds),
                ("Postgres and Redis CPU", storage / seconds),
                ("transactions/s a node", transactions / seconds / nodes),
                ("stored a transaction", (double)acked / transactions),
                ("ack p50 ms", published.Max(p => p.Latency!.P50)),
                ("ack p99 ms", published.Max(p => p.Latency!.P99)),
                ("others' CPU", others));
        }
        finally
        {
            foreach (var role in publishers) await role.DisposeAsync();
            foreach (var role in subscribers) await role.DisposeAsync();
        }
    }

    private static async Task<(PublisherReport[] Published, SubscriberReport[] Got)> RunAsync(
        Cluster cluster, List<Publishers> publishers, List<Subscribers> subscribers, double seconds)
    {
        var published = await Task.WhenAll(publishers.Select(p => p.RunAsync(seconds)));
        return (published, await Task.WhenAll(subscribers.Select((s, follower) => s.ReportAsync(Expected(cluster, published, follower)))));
    }

    private static string? Problem(Cluster cluster, PublisherReport[] published, SubscriberReport[] got)
    {
        var together =
            published[0] with { Refused = published.Sum(p => p.Refused), Problems = published.Select(p => p.Problems).FirstOrDefault(p => p is not null) };
        return got.Select((one, follower) => Validity.Problem(together, one, Expected(cluster, published, follower), isEqual: true))
            .FirstOrDefault(problem => problem is not null);
    }

    private static long Expected(Cluster cluster, PublisherReport[] published, int follower) =>
        cluster.IsJoined ? published.Sum(p => p.Acked) : published[follower % published.Length].Acked;

    private static async Task IdleAsync(WorkloadReport report, Cluster cluster, string name, int nodes)
    {
        await Task.Delay(Quiet);
        var (transactions, clock) = (await cluster.TransactionsAsync(), Stopwatch.StartNew());
        var (server, storage) = (cluster.ServerCpu, cluster.StorageCpu);
        await Task.Delay(TimeSpan.FromSeconds(IdleSeconds));
        server = cluster.ServerCpu - server;
        storage = cluster.StorageCpu - storage;
        transactions = await cluster.TransactionsAsync() - transactions;
        report.Add(name,
            ("nodes' CPU", server / IdleSeconds),
            ("Postgres and Redis CPU", storage / IdleSeconds),
            ("transactions/s a node", transactions / clock.Elapsed.TotalSeconds / nodes));
    }

    private sealed record Load(int Publishers, int Topics, double Seconds)
    {
        public int Batch { get; init; } = 1;

        /// <summary>All publish on the first node, as if the others handed it their batches at no cost.</summary>
        public bool IsThroughOne { get; init; }
    }
}
