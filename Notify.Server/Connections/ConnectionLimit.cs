using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Server.Connections;

/// <summary><c>Notify:Limits:ConnectionsPerUser</c>: hub connections and streams of one user on this node.</summary>
internal sealed class ConnectionLimit(SessionRegistry sessions, ConnectionMetrics metrics, IOptions<NotifyOptions> options)
{
    private readonly int _limit = options.Value.Limits.ConnectionsPerUser;

    /// <summary>Null when the caller may have one more.</summary>
    public Refusal? Check(Caller caller)
    {
        if (_limit == 0 || caller.User is not { } user || sessions.CountOf(user) < _limit) return null;
        metrics.Refused(ConnectionMetrics.User);
        return new Refusal(ErrorCodes.TooManyRequests, $"A user has at most {_limit} connections here (Notify:Limits:ConnectionsPerUser). Close one first.");
    }
}
