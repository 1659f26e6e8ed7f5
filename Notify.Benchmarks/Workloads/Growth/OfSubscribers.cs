using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads.Growth;

/// <summary>One topic and more and more subscribers of it: a delivery must not get dearer, so that the whole grows with their number.</summary>
internal static class OfSubscribers
{
    private const string Delivery = "a delivery";
    private const string Publish = "a publish";
    private const double Microseconds = 1e6;

    /// <summary>About so many deliveries a measurement, but some publishes of each publisher.</summary>
    private const int Deliveries = 4_000_000;
    private const int FewestPublishes = 640;
    private const int MostPublishes = 20_000;

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var largest = line.Number("subscribers", 10_000);
        var curve = new GrowthCurve("subscribers", "CPU µs as the subscribers of one topic grow, 64 publishers", "subscribers", GrowthCurve.FolderOf(line));
        line.RefuseUnknown();
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            foreach (var size in GrowthCurve.Sizes(1, largest))
            {
                await laboratory.BeginAsync($"growth run {run}: {size} subscribers");
                await MeasureAsync(laboratory, curve, size);
            }
        }

        curve.Draw("subscribers", "CPU of a publish with all its deliveries, and of a delivery", "microseconds of CPU (logarithmic)", true, Publish, Delivery);
        return curve.Report;
    }

    private static async Task MeasureAsync(Laboratory laboratory, GrowthCurve curve, int size)
    {
        await using var bench = await Bench.StartAsync(laboratory, Target.Notify());
        await using var subscribers = await bench.SubscribeAsync(size, 1);
        await using var publishers = await bench.PublishersAsync(64, 1);

        // By number and not by time: publishers are answered before their deliveries are made.
        var count = Math.Clamp(Deliveries / size, FewestPublishes, MostPublishes);
        await Warming.RunAsync([bench.Server.ProcessId], async _ => (await PublishAsync(publishers, subscribers, count, size)).Published.Acked, 6);
        var cpu = bench.ServerCpu + bench.StorageCpu;
        var (published, got) = await PublishAsync(publishers, subscribers, count, size);
        cpu = (bench.ServerCpu + bench.StorageCpu - cpu) * Microseconds;
        if (Validity.Problem(published, got, published.Acked * size, isEqual: true) is { } problem) curve.Report.Invalid.Add($"{curve.Row(size)}: {problem}");
        else curve.Report.Add(curve.Row(size), (Delivery, cpu / got.Deliveries), (Publish, cpu / published.Acked));
    }

    private static async Task<(PublisherReport Published, SubscriberReport Got)> PublishAsync(Publishers publishers, Subscribers subscribers, int count,
        int each)
    {
        var published = await publishers.RunCountAsync(count);
        return (published, await subscribers.ReportAsync(published.Acked * each));
    }
}
