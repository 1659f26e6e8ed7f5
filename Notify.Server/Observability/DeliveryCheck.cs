using Microsoft.Extensions.Diagnostics.HealthChecks;
using Notify.Engine.Tail;
using Notify.Server.Hubs;

namespace Notify.Server.Observability;

/// <summary>Whether this node can take clients: its ring is filled. (That it is leaving says <see cref="LifetimeCheck"/>.)</summary>
internal sealed class DeliveryCheck(TailPosition tail) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        tail.View is null ? HealthCheckResult.Unhealthy("The log has not been read yet.")
        : HealthCheckResult.Healthy());
}
