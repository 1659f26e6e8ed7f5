using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// Publishes until the servers no longer get faster and their compilers have nothing left to do: a fixed time is too short for
/// one server and too long for another. Either sign alone is not enough: the compiler waits in between, and while it instruments
/// what is hot the code gets slower before it gets faster.
/// </summary>
internal static class Warming
{
    private const double Window = 2;
    private const int MaxWindows = 60; // four servers on one core take a minute

    /// <summary>A window in which the CPU a publish fell by less than this share is a quiet one.</summary>
    private const double Settled = 0.04;

    /// <summary>Seconds of compiling, of all servers together, that a quiet window has at most.</summary>
    private const double Compiling = 0.06;

    /// <summary>So many quiet windows in a row end it.</summary>
    private const int QuietWindows = 2;

    /// <param name="servers">The processes that get warm.</param>
    /// <param name="publishers">The publishers.</param>
    /// <param name="subscribers">The subscribers; null for none.</param>
    /// <param name="each">Deliveries of one publish.</param>
    /// <param name="atLeast">Seconds.</param>
    public static Task RunAsync(IReadOnlyList<int> servers, Publishers publishers, Subscribers? subscribers, int each, double atLeast) => RunAsync(
        servers,
        async seconds =>
        {
            var published = await publishers.RunAsync(seconds);
            if (subscribers is not null) await subscribers.ReportAsync(published.Acked * each);
            return published.Acked;
        },
        atLeast);

    /// <param name="servers">The processes that get warm.</param>
    /// <param name="publish">Publishes for so many seconds, waits for the deliveries; how many were stored.</param>
    /// <param name="atLeast">Seconds.</param>
    public static async Task RunAsync(IReadOnlyList<int> servers, Func<double, Task<long>> publish, double atLeast)
    {
        var (least, quiet) = (double.MaxValue, 0);
        for (var window = 1; window <= MaxWindows; window++)
        {
            var (cpu, compiler) = (servers.Sum(CpuClock.OfProcess), servers.Sum(CpuClock.OfCompiler));
            var stored = await publish(Window);
            cpu = (servers.Sum(CpuClock.OfProcess) - cpu) / stored;
            compiler = servers.Sum(CpuClock.OfCompiler) - compiler;
            quiet = cpu > least * (1 - Settled) && compiler <= Compiling ? quiet + 1 : 0;
            if (window * Window >= atLeast && quiet >= QuietWindows) return;
            least = Math.Min(least, cpu);
        }
    }
}
