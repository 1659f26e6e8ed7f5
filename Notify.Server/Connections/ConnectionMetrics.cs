using System.Diagnostics.Metrics;
using Notify.Engine.Observability;

namespace Notify.Server.Connections;

/// <summary>Connections, and requests that would make one, that this node does not take.</summary>
internal sealed class ConnectionMetrics
{
    /// <summary>The page's origin may not call the service.</summary>
    public const string Origin = "origin";

    /// <summary>The node has as many connections as it may.</summary>
    public const string Full = "full";

    /// <summary>The user has as many connections as it may.</summary>
    public const string User = "user";

    /// <summary>The node is stopping.</summary>
    public const string Stopping = "stopping";

    private readonly Counter<long> _refused;

    public ConnectionMetrics(IMeterFactory factory)
    {
        _refused = factory.Create(NotifyMetrics.MeterName)
            .CreateCounter<long>("notify.connections.refused", "{connection}",
                "Connections, and browsers' requests, refused, by reason: origin, full, user, stopping.");
        foreach (var reason in (string[])[Origin, Full, User, Stopping]) Add(reason, 0); // an alert rule sees the first one rise
    }

    public void Refused(string reason) => Add(reason, 1);

    private void Add(string reason, int count) => _refused.Add(count, new KeyValuePair<string, object?>("reason", reason));
}
