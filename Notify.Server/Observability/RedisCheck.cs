using Microsoft.Extensions.Diagnostics.HealthChecks;
using Notify.Engine.Cluster.Redis;

namespace Notify.Server.Observability;

/// <summary>Whether Redis is there. Never more than degraded: the log goes on without it.</summary>
internal sealed class RedisCheck(RedisConnection redis) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        redis.IsConnected
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded("Redis does not answer: notifications of other nodes come up to a second later, ephemeral ones and signals do not cross."));
}
