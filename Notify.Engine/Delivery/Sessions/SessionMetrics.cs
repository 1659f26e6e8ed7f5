using System.Diagnostics.Metrics;
using Notify.Engine.Observability;
using Notify.Engine.Tail;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>What sessions count.</summary>
internal sealed class SessionMetrics
{
    private long _delivered;

    public SessionMetrics(IMeterFactory meters, SessionRegistry sessions, DeliveryLag lag)
    {
        var meter = meters.Create(NotifyMetrics.MeterName);
        meter.CreateObservableCounter("notify.delivered", () => Volatile.Read(ref _delivered), "{notification}", "Notifications written to connections.");
        meter.CreateObservableGauge("notify.sessions", () => CountByState(sessions), "{session}", "Connections by state of delivery.");
        meter.CreateObservableGauge("notify.delivery.lag", () => lag.Now.TotalSeconds, "s",
            "Time since the commit of what is being handed to connections that keep up; 0 when nothing waits.");
        SlowConsumers =
            meter.CreateCounter<long>("notify.slow_consumers", "{session}", "Live sessions whose queue was full and that went back to catching up.");
        EphemeralDropped =
            meter.CreateCounter<long>("notify.ephemeral.dropped", "{notification}", "Ephemeral notifications not sent because a queue was full.");
    }

    public Counter<long> SlowConsumers { get; }
    public Counter<long> EphemeralDropped { get; }

    /// <summary>Counters appear at their first count: from zero on, the first trouble is a rate and not the beginning of a series.</summary>
    public void BeginAtZero()
    {
        SlowConsumers.Add(0);
        EphemeralDropped.Add(0);
    }

    /// <summary>On the hot path of every connection: one addition, read when the metrics are collected.</summary>
    public void Delivered(int notifications) => Interlocked.Add(ref _delivered, notifications);

    private static IEnumerable<Measurement<int>> CountByState(SessionRegistry sessions) =>
        Enum.GetValues<SessionState>()
            .Where(state => state != SessionState.Closed)
            .Select(state => new Measurement<int>(sessions.CountIn(state), new KeyValuePair<string, object?>("state", state.ToString().ToLowerInvariant())));
}
