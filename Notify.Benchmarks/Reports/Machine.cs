using System.Globalization;
using System.Runtime.InteropServices;
using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Reports;

/// <summary>Where it was measured, and whether anything else was running.</summary>
internal sealed record Machine(string Processor, int Cores, string System, string Runtime, double LoadBefore, double BusyBefore, DateTimeOffset At)
{
    /// <summary>More than this share of the machine in use before a run disturbs it.</summary>
    private const double Quiet = 0.1;

    public bool WasQuiet => BusyBefore < Quiet;

    public static async Task<Machine> LookAsync()
    {
        var processor = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[1] ?? "unknown";
        var load = double.Parse((await File.ReadAllTextAsync("/proc/loadavg")).Split(' ')[0], CultureInfo.InvariantCulture);
        var busy = await Neighbours.WatchAsync(TimeSpan.FromSeconds(2)) / Environment.ProcessorCount;
        return new Machine(processor, Environment.ProcessorCount, RuntimeInformation.OSDescription, RuntimeInformation.FrameworkDescription, load, busy,
            TimeProvider.System.GetUtcNow());
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Processor}, {Cores} cores, {System}, {Runtime}; before: load {LoadBefore:0.00}, {BusyBefore:P0} busy{(WasQuiet ? "" : " (NOT quiet)")}");
}
