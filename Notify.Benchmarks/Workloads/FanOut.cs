using System.Diagnostics;
using Notify.Benchmarks.Load;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>The publishers and followers of a fan-out.</summary>
internal sealed record FanOutPlan(int Subscribers, int Topics, int Publishers, double Seconds, double WarmUp)
{
    /// <summary>So many measurements of each target by turns, all of them started and warm; 0: one target after the other.</summary>
    public int Turns { get; init; }

    /// <summary>Deliveries of one publish.</summary>
    public int Each => Subscribers / Topics;
}

/// <summary>
/// P1 and P1b: closed-loop publishers, connections that follow one topic each. Counted from the first publish to the
/// last delivery, so nothing is left out at either end.
/// </summary>
internal static class FanOut
{
    public const string PerCoreSecond = "per core-second";

    /// <summary>Seconds. A server closes publishers' connections that were idle for two minutes, which the next targets may take to get warm.</summary>
    private const double Awake = 0.3;

    public static async Task RunAsync(Laboratory laboratory, WorkloadReport report, FanOutPlan plan, IReadOnlyList<Target> targets)
    {
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            if (plan.Turns > 0) await ByTurnsAsync(laboratory, report, plan, targets);
            else
            {
                foreach (var target in targets)
                {
                    await laboratory.BeginAsync($"{report.Workload} run {run}: {target.Name}");
                    await using var crowd = await Crowd.StartAsync(laboratory, target, plan);
                    await MeasureAsync(report, plan, crowd);
                }
            }
        }
    }

    // What slows the machine down for a while slows all targets: their ratio bears it.
    private static async Task ByTurnsAsync(Laboratory laboratory, WorkloadReport report, FanOutPlan plan, IReadOnlyList<Target> targets)
    {
        var crowds = new List<Crowd>();
        try
        {
            await laboratory.BeginAsync($"{report.Workload}: {plan.Turns} turns");
            foreach (var target in targets)
            {
                crowds.Add(await Crowd.StartAsync(laboratory, target, plan));
                foreach (var crowd in crowds) await crowd.PublishAsync(Awake);
            }

            for (var turn = 0; turn < plan.Turns; turn++)
            {
                foreach (var crowd in crowds) await MeasureAsync(report, plan, crowd);
            }
        }
        finally
        {
            foreach (var crowd in crowds) await crowd.DisposeAsync();
        }
    }

    private static async Task MeasureAsync(WorkloadReport report, FanOutPlan plan, Crowd crowd)
    {
        var (bench, target) = (crowd.Bench, crowd.Bench.Target);
        var (server, storage, clock, neighbours) = (bench.ServerCpu, bench.StorageCpu, Stopwatch.StartNew(), new Neighbours());
        var (published, got) = await crowd.PublishAsync(plan.Seconds);
        var seconds = clock.Elapsed.TotalSeconds;
        server = bench.ServerCpu - server;
        storage = bench.StorageCpu - storage;

        if (Validity.Problem(published, got, published.Acked * plan.Each, plan.Each == plan.Subscribers) is { } problem)
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

    /// <summary>A warm server with its followers and publishers.</summary>
    private sealed class Crowd(Bench bench, FanOutPlan plan) : IAsyncDisposable
    {
        private Subscribers? _subscribers;
        private Publishers? _publishers;

        public Bench Bench => bench;

        public static async Task<Crowd> StartAsync(Laboratory laboratory, Target target, FanOutPlan plan)
        {
            var crowd = new Crowd(await Bench.StartAsync(laboratory, target), plan);
            try
            {
                await crowd.WarmAsync();
                return crowd;
            }
            catch
            {
                await crowd.DisposeAsync();
                throw;
            }
        }

        /// <summary>Publishes for so many seconds and waits for the last delivery.</summary>
        public async Task<(PublisherReport Published, SubscriberReport Got)> PublishAsync(double seconds)
        {
            var published = await _publishers!.RunAsync(seconds);
            return (published, await _subscribers!.ReportAsync(published.Acked * plan.Each));
        }

        public async ValueTask DisposeAsync()
        {
            if (_publishers is not null) await _publishers.DisposeAsync();
            if (_subscribers is not null) await _subscribers.DisposeAsync();
            await bench.DisposeAsync();
        }

        private async Task WarmAsync()
        {
            _subscribers = await bench.SubscribeAsync(plan.Subscribers, plan.Topics);
            _publishers = await bench.PublishersAsync(plan.Publishers, plan.Topics);
            await Warming.RunAsync([bench.Server.ProcessId], _publishers, _subscribers, plan.Each, plan.WarmUp);
        }
    }
}
