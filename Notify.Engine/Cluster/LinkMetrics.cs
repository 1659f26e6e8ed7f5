using System.Diagnostics.Metrics;
using Notify.Engine.Observability;

namespace Notify.Engine.Cluster;

/// <summary>What the link between the nodes counts.</summary>
internal sealed class LinkMetrics
{
    private readonly Counter<long> _sent;
    private readonly Counter<long> _received;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _invalid;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _reconnects;

    public LinkMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(NotifyMetrics.MeterName);
        _sent = meter.CreateCounter<long>("notify.link.sent", "{message}", "Messages sent to the other nodes, by kind.");
        _received = meter.CreateCounter<long>("notify.link.received", "{message}", "Messages of other nodes, by kind.");
        _dropped = meter.CreateCounter<long>("notify.link.dropped", "{message}",
            "Messages not sent, by reason: the log has the notifications, ephemeral ones and signals are lost.");
        _invalid = meter.CreateCounter<long>("notify.link.invalid", "{message}", "Messages received and not used, by reason.");
        _failures = meter.CreateCounter<long>("notify.link.failures", "{failure}", "Failures of what joins the nodes, by kind.");
        _reconnects = meter.CreateCounter<long>("notify.link.reconnects", "{connection}", "Connections to what joins the nodes made again.");
    }

    public void Sent(LinkKind kind) => _sent.Add(1, new KeyValuePair<string, object?>("kind", kind.ToString().ToLowerInvariant()));

    public void Received(LinkKind kind) => _received.Add(1, new KeyValuePair<string, object?>("kind", kind.ToString().ToLowerInvariant()));

    public void Dropped(string reason, int messages = 1) => _dropped.Add(messages, new KeyValuePair<string, object?>("reason", reason));

    public void Invalid(string reason) => _invalid.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Failed(LinkFailure kind) => _failures.Add(1, new KeyValuePair<string, object?>("kind", kind.ToString().ToLowerInvariant()));

    public void Reconnected() => _reconnects.Add(1);
}

/// <summary>What a failure means.</summary>
internal enum LinkFailure
{
    /// <summary>It will pass by itself.</summary>
    Transient,

    /// <summary>No answer in time: it may have been done.</summary>
    Timeout,

    /// <summary>Operator action is required.</summary>
    Permanent,

    /// <summary>Not tried: it failed too often a moment ago.</summary>
    Open,
}
