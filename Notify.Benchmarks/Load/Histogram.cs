using System.Diagnostics;

namespace Notify.Benchmarks.Load;

/// <summary>Latencies in Stopwatch ticks, of which processes of one machine share the clock (CLOCK_MONOTONIC).</summary>
internal sealed class Histogram
{
    private readonly List<long> _ticks = new(1 << 16);

    public void Add(long ticks) => _ticks.Add(ticks);

    public void Clear() => _ticks.Clear();

    public LatencySummary? Summary()
    {
        if (_ticks.Count == 0) return null;
        _ticks.Sort();
        return new LatencySummary(At(0.5), At(0.9), At(0.99), At(1));
    }

    private double At(double share) =>
        _ticks[Math.Min((int)(_ticks.Count * share), _ticks.Count - 1)] * 1000.0 / Stopwatch.Frequency;
}

/// <summary>Milliseconds.</summary>
internal sealed record LatencySummary(double P50, double P90, double P99, double Max);
