using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;

namespace Notify.Engine.Tail;

/// <summary>The log, applied in order.</summary>
internal static class TailServices
{
    public static IServiceCollection AddNotifyTail(this IServiceCollection services)
    {
        services.AddSingleton(provider => new SharedMemory(provider.GetRequiredService<IOptions<NotifyOptions>>()));
        services.AddSingleton<LogClock>();
        services.AddSingleton<TailPosition>();
        services.AddSingleton<DeliveryLag>();
        services.AddSingleton<TailMetrics>();
        services.AddSingleton<LogAppliers>();
        services.AddSingleton<LogTail>();
        services.AddHostedService(s => s.GetRequiredService<LogTail>());

        services.AddSingleton<Reconciler>();
        services.AddHostedService(s => s.GetRequiredService<Reconciler>());
        return services;
    }
}
