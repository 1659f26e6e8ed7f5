using System.Diagnostics.Metrics;
using Notify.Engine.Observability;

namespace Notify.Engine.Tail;

/// <summary>What the tail counts.</summary>
internal sealed class TailMetrics
{
    private readonly Counter<long> _reads;
    private readonly Counter<long> _reconciled;

    public TailMetrics(IMeterFactory meters, TailPosition tail)
    {
        var meter = meters.Create(NotifyMetrics.MeterName);
        meter.CreateObservableGauge("notify.lag", () => Lag(tail), "{version}", "Versions committed that this node has not yet dispatched.");
        _reads = meter.CreateCounter<long>("notify.tail.reads", "{read}",
            "Reads of the log for what no hint had brought, by cause: a hole between hints, a position without contents, or a poll.");
        _reconciled = meter.CreateCounter<long>("notify.reconciled", "{version}", "Versions that this node delivered differently from the log, by kind: 0 " +
            "unless something is wrong.");
    }

    /// <summary>Counters appear at their first count: from zero on, the first trouble is a rate and not the beginning of a series.</summary>
    public void BeginAtZero()
    {
        foreach (var kind in Enum.GetValues<Discrepancy>()) Reconciled(kind, 0);
    }

    public void Read(string cause) => _reads.Add(1, new KeyValuePair<string, object?>("cause", cause));

    public void Reconciled(Discrepancy kind, long versions) =>
        _reconciled.Add(versions, new KeyValuePair<string, object?>("kind", kind.ToString().ToLowerInvariant()));

    private static long Lag(TailPosition tail) => tail.View is { } view ? Math.Max(0, view.Head - tail.Dispatched) : 0;
}
