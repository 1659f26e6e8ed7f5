using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// Publishes until the server no longer gets faster: on one core the compiler's tiers come slowly, and a fixed time is
/// too short for one server and too long for another.
/// </summary>
internal static class Warming
{
    private const double Window = 2;
    private const int MaxWindows = 12;

    /// <summary>A window in which the CPU a publish fell by less than this share ends it.</summary>
    private const double Settled = 0.04;

    /// <param name="serverCpu">CPU seconds of the server, or of all its nodes.</param>
    /// <param name="publishers">Who publishes.</param>
    /// <param name="subscribers">Who gets it; null for nobody.</param>
    /// <param name="each">Deliveries of one publish.</param>
    /// <param name="atLeast">Seconds.</param>
    public static Task RunAsync(Func<double> serverCpu, Publishers publishers, Subscribers? subscribers, int each, double atLeast) => RunAsync(
        serverCpu,
        async seconds =>
        {
            var published = await publishers.RunAsync(seconds);
            if (subscribers is not null) await subscribers.ReportAsync(published.Acked * each);
            return published.Acked;
        },
        atLeast);

    /// <param name="serverCpu">CPU seconds of the server, or of all its nodes.</param>
    /// <param name="publish">Publishes for so many seconds, waits for the deliveries; how many were stored.</param>
    /// <param name="atLeast">Seconds.</param>
    public static async Task RunAsync(Func<double> serverCpu, Func<double, Task<long>> publish, double atLeast)
    {
        var last = double.MaxValue;
        for (var window = 1; window <= MaxWindows; window++)
        {
            var cpu = serverCpu();
            var stored = await publish(Window);
            cpu = (serverCpu() - cpu) / stored;
            if (window * Window >= atLeast && cpu > last * (1 - Settled)) return;
            last = Math.Min(last, cpu);
        }
    }
}
