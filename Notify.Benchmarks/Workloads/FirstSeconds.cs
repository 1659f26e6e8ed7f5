using System.Diagnostics;
using System.Globalization;
using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>What a node does in its first seconds, while its code is still being compiled: single POSTs in closed loops from the moment it is ready.</summary>
internal static class FirstSeconds
{
    private const double Window = 0.5;

    /// <summary>The rate that counts as steady is that of the warm server, over so many seconds.</summary>
    private const double Steady = 4;

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var publishers = line.Number("publishers", 64);
        var topics = line.Number("topics", 1000);
        var seconds = line.Number("seconds", 12);
        var only = line.Find("only");
        line.RefuseUnknown();

        var report = new WorkloadReport(
            "first-seconds", $"publishes a second after ready, of the same server's steady rate; {publishers} publishers, single POSTs");
        foreach (var target in Only.Of([Target.Notify(), Target.Stock(), Target.Raw()], only))
        {
            for (var run = 1; run <= laboratory.Runs; run++)
            {
                await laboratory.BeginAsync($"first-seconds run {run}: {target.Name}");
                await using var bench = await Bench.StartAsync(laboratory, target);
                var ready = Stopwatch.StartNew();
                await using var load = await bench.PublishersAsync(publishers, topics);
                var first = new List<(double At, double Rate)>();
                while (ready.Elapsed.TotalSeconds < seconds)
                {
                    var published = await load.RunAsync(Window);
                    first.Add((ready.Elapsed.TotalSeconds, published.Acked / published.Seconds));
                }

                await Warming.RunAsync([bench.Server.ProcessId], load, subscribers: null, each: 0, atLeast: 4);
                var steady = await load.RunAsync(Steady);
                var rate = steady.Acked / steady.Seconds;
                report.Add(target.Name,
                    [("ready ms", bench.Server.Started.TotalMilliseconds),
                    .. ((double[])[1, 2, 3, 4, 6, 8, 12]).Where(at => at <= seconds).Select(at =>
                        (string.Create(CultureInfo.InvariantCulture, $"% after {at} s"), 100 * Nearest(first, at) / rate)),
                    ("steady publishes/s", rate)]);
            }
        }

        return report;
    }

    private static double Nearest(List<(double At, double Rate)> windows, double at) => windows.MinBy(window => Math.Abs(window.At - at)).Rate;
}
