using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Notify.Client.Hosting;

/// <summary>The client's state as health.</summary>
internal sealed class NotifyClientHealthCheck(NotifyClient client) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(client.State switch
        {
            NotifyClientState.Live or NotifyClientState.CatchingUp => HealthCheckResult.Healthy($"{client.State.Name} at {client.Address.Authority}"),
            NotifyClientState.Failed failed => new HealthCheckResult(context.Registration.FailureStatus, $"Refused for good: {failed.Why.Message}", failed.Why),
            NotifyClientState.Closed => new HealthCheckResult(context.Registration.FailureStatus, "The client is closed."),
            NotifyClientState.Retrying retrying => HealthCheckResult.Degraded($"Attempt {retrying.Attempt} failed: {retrying.Why.Message}", retrying.Why),
            var state => HealthCheckResult.Degraded(state.Name),
        });
}
