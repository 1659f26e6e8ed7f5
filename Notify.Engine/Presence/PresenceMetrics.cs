using System.Diagnostics.Metrics;
using Notify.Engine.Observability;

namespace Notify.Engine.Presence;

/// <summary>What presence counts.</summary>
internal sealed class PresenceMetrics
{
    private readonly Counter<long> _events;
    private readonly Counter<long> _partial;
    private Func<int> _watched = static () => 0;

    public PresenceMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(NotifyMetrics.MeterName);
        meter.CreateObservableGauge("notify.presence.watched", () => _watched(), "{topic}", "Topics whose presence connections of this node watch.");
        _events = meter.CreateCounter<long>("notify.presence.events", "{event}", "Changes of presence told to the watchers of a topic, by kind.");
        _partial = meter.CreateCounter<long>("notify.presence.partial", "{answer}", "Answers about presence that a node was missing in.");
    }

    public void Watch(Func<int> watched) => _watched = watched;

    /// <summary>From zero on, the first trouble is a rate and not the beginning of a series.</summary>
    public void BeginAtZero()
    {
        foreach (var kind in new[] { WatchedTopic.Join, WatchedTopic.Leave, "count" }) _events.Add(0, Kind(kind));
        _partial.Add(0);
    }

    public void Told(string? kind) => _events.Add(1, Kind(kind ?? "count"));

    public void Partial() => _partial.Add(1);

    private static KeyValuePair<string, object?> Kind(string kind) => new("kind", kind);
}
