using Microsoft.Extensions.Diagnostics.HealthChecks;
using Notify.Engine.Tail;
using Notify.Server.Hubs;

namespace Notify.Server.Observability;

/// <summary>Whether this node can take clients: its ring is filled, and it is not leaving.</summary>
internal sealed class DeliveryCheck(TailPosition tail, Draining draining) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        draining.IsDraining ? HealthCheckResult.Unhealthy("This node is stopping.")
        : tail.Life is null ? HealthCheckResult.Unhealthy("The log has not been read yet.")
        : HealthCheckResult.Healthy());
}
