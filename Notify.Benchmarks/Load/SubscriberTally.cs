using System.Diagnostics;

namespace Notify.Benchmarks.Load;

/// <summary>What the connections of a subscriber process have in common. One thread.</summary>
internal sealed class SubscriberTally
{
    private const int MaxProblems = 5;

    private readonly Dictionary<string, int> _problems = new(StringComparer.Ordinal);

    public long Deliveries { get; set; }
    public int ReadyConnections { get; private set; }

    /// <summary>Bodies begin with the time at which they were published, and every so many connections one reads it; 0: none does.</summary>
    public int StampedEvery { get; set; }
    public Histogram Latency { get; } = new();
    public long FirstAnswer { get; private set; }
    public long LastReady { get; private set; }

    public string? Problems => _problems.Count == 0 ? null : string.Join("; ", _problems.Select(p => $"{p.Value} x {p.Key}"));

    public void Answered()
    {
        if (FirstAnswer == 0) FirstAnswer = Stopwatch.GetTimestamp();
    }

    public void Ready()
    {
        ReadyConnections++;
        LastReady = Stopwatch.GetTimestamp();
    }

    public void Problem(string what)
    {
        if (_problems.Count < MaxProblems || _problems.ContainsKey(what)) _problems[what] = _problems.GetValueOrDefault(what) + 1;
    }
}
