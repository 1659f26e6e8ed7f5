using System.Diagnostics;
using Notify.Tests.Faults.Checking;

namespace Notify.Tests.Faults.Traffic;

/// <summary>One subscriber's journal while it is written.</summary>
internal sealed class Recorder(Stopwatch clock)
{
    private readonly Lock _gate = new();
    private readonly List<Seen> _events = [];
    private readonly HashSet<string> _bodies = [];
    private int _caughtUp;
    private int _gaps;
    private int _resumed;

    public TimeSpan Now => clock.Elapsed;

    /// <summary>How often the service said that everything missed has come.</summary>
    public int CaughtUp => Volatile.Read(ref _caughtUp);

    /// <summary>How often Resume was answered.</summary>
    public int Resumed => Volatile.Read(ref _resumed);

    public int Gaps => Volatile.Read(ref _gaps);

    public void Add(Seen seen, bool caughtUp = false)
    {
        lock (_gate)
        {
            _events.Add(seen);
            if (seen is Seen.Received received) _bodies.Add(received.Body);
        }

        if (seen is Seen.Resumed) Interlocked.Increment(ref _resumed);
        if (seen is Seen.Gap) Interlocked.Increment(ref _gaps);
        if (caughtUp) Interlocked.Increment(ref _caughtUp);
    }

    public bool Has(string body)
    {
        lock (_gate) return _bodies.Contains(body);
    }

    public IReadOnlyList<Seen> Snapshot()
    {
        lock (_gate) return [.. _events];
    }
}
