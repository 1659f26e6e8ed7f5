using Microsoft.Extensions.Diagnostics.HealthChecks;
using Notify.Engine.Publishing;
using Notify.Server.Connections;
using Notify.Server.Hosting;
using Notify.Storage.Log;

namespace Notify.Server.Observability;

/// <summary>Whether the service is between its start and its end, which may come before the process's.</summary>
internal sealed class LifetimeCheck(IHostApplicationLifetime lifetime, Draining draining) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        draining.IsDraining || lifetime.ApplicationStopping.IsCancellationRequested ? HealthCheckResult.Unhealthy("This node is stopping.")
        : lifetime.ApplicationStarted.IsCancellationRequested ? HealthCheckResult.Healthy()
        : HealthCheckResult.Unhealthy("This node is starting."));
}

/// <summary>Whether the log answers, and takes what is published.</summary>
internal sealed class StorageCheck(OpenedLog log, Publisher publisher, TimeProvider time) : IHealthCheck
{
    // Shorter than the time-out of the probes that ask.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!log.IsOpen) return HealthCheckResult.Unhealthy("The storage has not been reached yet.");
        using var timeout = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await log.ReadHeadAsync(either.Token);
            return publisher.StoresNothing
                ? HealthCheckResult.Degraded("The storage answers, but the last publish could not be stored: is it full, locked or read-only? The log says.")
                : HealthCheckResult.Healthy();
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Degraded("The storage does not answer: publishing is refused, delivery goes on when it returns.");
        }
    }
}
