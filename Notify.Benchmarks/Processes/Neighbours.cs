using System.Diagnostics;

namespace Notify.Benchmarks.Processes;

/// <summary>How many cores everything else on the machine uses: what is none of this tool's processes.</summary>
internal sealed class Neighbours
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly double _begun = Others();

    /// <summary>Cores, on average since it was made.</summary>
    public double Cores => Math.Max(0, (Others() - _begun) / _clock.Elapsed.TotalSeconds);

    public static async Task<double> WatchAsync(TimeSpan time)
    {
        var neighbours = new Neighbours();
        await Task.Delay(time);
        return neighbours.Cores;
    }

    private static double Others() => CpuClock.OfMachine() - CpuClock.OfTree(Environment.ProcessId);
}
