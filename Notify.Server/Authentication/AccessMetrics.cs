using System.Diagnostics.Metrics;
using Notify.Engine.Observability;

namespace Notify.Server.Authentication;

/// <summary>What is refused and revoked.</summary>
internal sealed class AccessMetrics
{
    private readonly Counter<long> _refused;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _ended;

    public AccessMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(NotifyMetrics.MeterName);
        _refused = meter.CreateCounter<long>("notify.access.refused", "{request}", "Requests and hub calls refused for what the caller is or may do, by code.");
        _rejected = meter.CreateCounter<long>("notify.credentials.rejected", "{credential}", "Credentials rejected, by reason.");
        _ended = meter.CreateCounter<long>("notify.connections.ended", "{connection}",
            "Connections closed because their credential ended, by reason: expired, revoked, disconnected.");
    }

    public void BeginAtZero()
    {
        Refused(Contracts.ErrorCodes.Unauthenticated, 0);
        Refused(Contracts.ErrorCodes.Forbidden, 0);
        _rejected.Add(0, new KeyValuePair<string, object?>("reason", "signature"));
        _ended.Add(0, new KeyValuePair<string, object?>("reason", "expired"));
        _ended.Add(0, new KeyValuePair<string, object?>("reason", "revoked"));
    }

    public void Refused(string code, int count = 1) => _refused.Add(count, new KeyValuePair<string, object?>("code", code));

    public void Rejected(string reason) => _rejected.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Ended(string reason, int count = 1) => _ended.Add(count, new KeyValuePair<string, object?>("reason", reason));
}
