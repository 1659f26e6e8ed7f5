using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads.Growth;

/// <summary>A thousand topics with a follower each, and more and more filters that nothing published matches.</summary>
internal static class OfFilters
{
    private const int Followed = 1000;

    /// <summary>Of one connection; the server takes no more than a thousand.</summary>
    private const int MostFilters = 990;

    private const string Post = "POST";
    private const string Batched = "batch of 100";

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var largest = line.Number("filters", 100_000);
        var seconds = line.Number("seconds", 4);
        var curve = new GrowthCurve("filters", "CPU µs of a publish and its delivery as filters that do not match grow", "filters that do not match",
            GrowthCurve.FolderOf(line));
        line.RefuseUnknown();
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            await using var storage = await laboratory.NewStorageAsync("postgres");
            await using var server = await storage.StartServerAsync();
            var client = new SubscriberOptions { Peer = PeerKind.Notify, Port = server.Port };
            await using var followers = await Subscribers.StartAsync(client with { Connections = Followed, Topics = Followed });
            foreach (var size in GrowthCurve.Sizes(1, largest))
            {
                await laboratory.BeginAsync($"growth run {run}: {size} filters");
                await using var others = await HoldAsync(client, size);
                var costs = curve.Costs(size, server, storage, seconds);
                await CostMeter.OnceAsync(costs.DeliverAsync(Post, followers, Followed));
                await CostMeter.OnceAsync(costs.DeliverAsync(Batched, followers, Followed, 100));
            }
        }

        curve.Draw("filters", "CPU of a publish and its delivery, by filters that do not match", "microseconds of CPU", Post, Batched);
        return curve.Report;
    }

    /// <summary>On as few connections as possible: it is the filters that grow.</summary>
    private static Task<Subscribers> HoldAsync(SubscriberOptions client, int filters)
    {
        var connections = Math.Max(1, (filters + MostFilters - 1) / MostFilters);
        return Subscribers.StartAsync(client with { Connections = connections, FirstTopic = Followed, OtherFilters = filters / connections });
    }
}
