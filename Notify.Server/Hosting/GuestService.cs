using Notify.Server.Configuration;
using Notify.Server.Hubs;
using Notify.Storage;

namespace Notify.Server.Hosting;

/// <summary>
/// One of the service's parts inside a hosting app. The generic host stops the whole app when a background service fails; of a
/// guest that is not acceptable. When a part fails, this node leaves as a node that stops does: connections are asked to come back elsewhere,
/// new ones get 503, health is not ready. The app goes on.
/// </summary>
/// <remarks>The generic host watches every <see cref="BackgroundService"/>, which is why the part is wrapped.</remarks>
internal sealed partial class GuestService(IHostedService part, bool isOwned, Func<Draining> draining, ILogger<GuestService> logger) : IHostedService,
    IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Wraps the hosted services that were added from <paramref name="first"/> on.</summary>
    public static void Wrap(IServiceCollection services, int first)
    {
        for (var i = first; i < services.Count; i++)
        {
            var service = services[i];
            if (service.ServiceType != typeof(IHostedService) || service.IsKeyedService) continue;
            services[i] = ServiceDescriptor.Singleton<IHostedService>(provider => new GuestService(
                Make(service, provider),
                service.ImplementationType is not null,
                provider.GetRequiredService<Draining>,
                provider.GetRequiredService<ILogger<GuestService>>()));
        }
    }

    private static IHostedService Make(ServiceDescriptor service, IServiceProvider provider)
    {
        try
        {
            return (IHostedService)(service.ImplementationFactory?.Invoke(provider) ?? service.ImplementationInstance
                ?? ActivatorUtilities.CreateInstance(provider, service.ImplementationType!));
        }
        catch (StorageMisconfiguredException exception)
        {
            throw NotifyHost.App.Named(exception);
        }
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await part.StartAsync(cancellationToken);
        if (part is BackgroundService { ExecuteTask: { } running }) _ = WatchAsync(running);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await part.StopAsync(cancellationToken);
    }

    public void Dispose()
    {
        _stop.Dispose();
        if (isOwned) (part as IDisposable)?.Dispose();
    }

    private async Task WatchAsync(Task running)
    {
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (running.Exception is not { } failure || _stop.IsCancellationRequested) return;
        Log.Failed(logger, part.GetType().Name, failure.InnerException ?? failure);
        await draining().LeaveAsync();
    }

    private static partial class Log
    {
        [LoggerMessage(8010, LogLevel.Critical,
            "Notify stopped on this node because its part {Part} failed. The app continues; its Notify connections move to other nodes and new ones are " +
            "answered 503. Restart the app to start Notify again.")]
        public static partial void Failed(ILogger logger, string part, Exception exception);
    }
}
