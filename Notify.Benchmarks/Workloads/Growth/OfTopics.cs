using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads.Growth;

/// <summary>More and more topics, published to one after the other; one client follows them all.</summary>
internal static class OfTopics
{
    private const string Post = "POST";
    private const string Batched = "batch of 100";

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var largest = line.Number("topics", 100_000);
        var seconds = line.Number("seconds", 4);
        var curve = new GrowthCurve("topics", "CPU µs of a publish and its delivery as the topics grow", "topics", GrowthCurve.FolderOf(line));
        line.RefuseUnknown();
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            await using var storage = await laboratory.NewStorageAsync("postgres");
            await using var server = await storage.StartServerAsync();
            await using var follower = await Subscribers.StartAsync(new SubscriberOptions { Peer = PeerKind.Notify, Port = server.Port, FollowsAll = true });
            foreach (var size in GrowthCurve.Sizes(1, largest))
            {
                await laboratory.BeginAsync($"growth run {run}: {size} topics");
                var costs = curve.Costs(size, server, storage, seconds);
                await CostMeter.OnceAsync(costs.DeliverAsync(Post, follower, size));
                await CostMeter.OnceAsync(costs.DeliverAsync(Batched, follower, size, 100));
            }
        }

        curve.Draw("topics", "CPU of a publish, by the topics that are published to", "microseconds of CPU", Post, Batched);
        return curve.Report;
    }
}
