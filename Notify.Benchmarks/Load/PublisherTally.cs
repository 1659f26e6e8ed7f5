namespace Notify.Benchmarks.Load;

/// <summary>What the connections of a publisher process have in common. One thread.</summary>
internal sealed class PublisherTally
{
    private readonly Dictionary<string, int> _problems = new(StringComparer.Ordinal);
    private readonly Histogram _latency = new();
    private long _acked;
    private long _refused;
    private long _first;
    private long _last;

    public void Note(int acked, int refused, long version, long ticks)
    {
        _acked += acked;
        _refused += refused;
        _latency.Add(ticks);
        if (version <= 0) return;
        if (_first == 0 || version < _first) _first = version;
        _last = Math.Max(_last, version);
    }

    public void Problem(string what) => _problems[what] = _problems.GetValueOrDefault(what) + 1;

    /// <summary>What happened since it was asked last.</summary>
    public PublisherReport Take(TimeSpan elapsed)
    {
        var problems = _problems.Count == 0 ? null : string.Join("; ", _problems.Take(3).Select(p => $"{p.Value} x {p.Key}"));
        var report = new PublisherReport(_acked, _refused, elapsed.TotalSeconds, _first, _last, _latency.Summary(), problems);
        (_acked, _refused, _first, _last) = (0, 0, 0, 0);
        _problems.Clear();
        _latency.Clear();
        return report;
    }
}
