using Microsoft.Extensions.Diagnostics.HealthChecks;
using Notify.Engine.Cluster;
using Notify.Engine.Cluster.Redis;

namespace Notify.Server.Observability;

/// <summary>
/// Whether Redis joins the nodes: it is there, what this node sends on the link's channel comes back to it, and every node of its database
/// is heard on it. Never more than degraded: the log goes on without it.
/// </summary>
internal sealed class RedisCheck(RedisConnection redis, ClusterLink link) : IHealthCheck
{
    // Shorter than the time-out of the probes that ask.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!redis.IsConnected)
            return HealthCheckResult.Degraded("Redis does not answer: notifications of other nodes come up to a second later, ephemeral ones and signals do " +
                "not cross.");
        if (redis.IsReplica)
            return HealthCheckResult.Degraded("Redis is a read-only replica: what this node sends does not reach nodes on the primary, which find it up to " +
                "a second later. Connect to the primary.");
        if (link.Unheard is { Count: > 0 } unheard)
            return HealthCheckResult.Degraded($"{unheard.Count} nodes of this database are not heard by way of Redis " +
                $"({string.Join(", ", unheard.Take(3))}): are all nodes on the same Redis, and its primary? Notifications between them come up to a second " +
                "later, ephemeral ones and signals do not cross.");
        return await link.HearsItselfAsync(Patience, cancellationToken)
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded("Redis answers, but what this node sends on the channel notify:link does not come back: notifications of other " +
                "nodes come up to a second later, ephemeral ones and signals do not cross. May the Redis user publish and subscribe (ACL: &*)?");
    }
}
