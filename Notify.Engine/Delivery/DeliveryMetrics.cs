using System.Diagnostics.Metrics;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;

namespace Notify.Engine.Delivery;

/// <summary>What delivery counts. The meter is <c>Notify</c>, as for publishing.</summary>
internal sealed class DeliveryMetrics
{
    private readonly Counter<long> _reconciled;
    private long _delivered;

    public DeliveryMetrics(IMeterFactory meters, SessionRegistry sessions, TailPosition tail)
    {
        var meter = meters.Create("Notify");
        meter.CreateObservableCounter("notify.delivered", () => Volatile.Read(ref _delivered), "{notification}", "Notifications written to connections.");
        meter.CreateObservableGauge("notify.sessions", () => CountByState(sessions), "{session}", "Connections by state of delivery.");
        meter.CreateObservableGauge("notify.lag", () => Lag(tail), "{version}", "Versions committed that this node has not yet dispatched.");
        CatchUpReads = meter.CreateCounter<long>("notify.catch_up.reads", "{read}", "Steps of a replay that the ring could not serve.");
        TailReads = meter.CreateCounter<long>("notify.tail.reads", "{read}", "Reads of the log for what no hint had brought, by cause: a hole between hints, a position without contents, or a poll.");
        _reconciled = meter.CreateCounter<long>("notify.reconciled", "{version}", "Versions that this node had not handed on as the log has them, by kind: 0 unless something is wrong.");
        SlowConsumers = meter.CreateCounter<long>("notify.slow_consumers", "{session}", "Live sessions whose queue was full and that went back to catching up.");
        EphemeralDropped = meter.CreateCounter<long>("notify.ephemeral.dropped", "{notification}", "Ephemeral notifications not sent because a queue was full.");
    }

    public Counter<long> CatchUpReads { get; }
    public Counter<long> TailReads { get; }
    public Counter<long> SlowConsumers { get; }
    public Counter<long> EphemeralDropped { get; }

    /// <summary>Counters appear at their first count: from zero on, the first trouble is a rate and not the beginning of a series.</summary>
    public void BeginAtZero()
    {
        CatchUpReads.Add(0);
        SlowConsumers.Add(0);
        EphemeralDropped.Add(0);
        foreach (var kind in Enum.GetValues<Discrepancy>()) Reconciled(kind, 0);
    }

    public void Reconciled(Discrepancy kind, long versions) => _reconciled.Add(versions, new KeyValuePair<string, object?>("kind", kind.ToString().ToLowerInvariant()));

    /// <summary>On the hot path of every connection: one addition, read when somebody asks.</summary>
    public void Delivered(int notifications) => Interlocked.Add(ref _delivered, notifications);

    private static IEnumerable<Measurement<int>> CountByState(SessionRegistry sessions) =>
        Enum.GetValues<SessionState>()
            .Where(state => state != SessionState.Closed)
            .Select(state => new Measurement<int>(sessions.CountIn(state), new KeyValuePair<string, object?>("state", state.ToString().ToLowerInvariant())));

    private static long Lag(TailPosition tail) => tail.Life is { } life ? Math.Max(0, life.Head - tail.Dispatched) : 0;
}
