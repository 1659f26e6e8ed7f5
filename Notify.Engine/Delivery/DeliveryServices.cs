using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Replay;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;

namespace Notify.Engine.Delivery;

/// <summary>Router, replay, sessions.</summary>
internal static class DeliveryServices
{
    public static IServiceCollection AddNotifyDelivery(this IServiceCollection services)
    {
        services.AddSingleton<Router>();
        services.AddSingleton<Dispatcher>();
        services.AddSingleton<IDelivery, LiveDelivery>();

        services.AddSingleton<LogReplay>();
        services.AddSingleton<IReplay>(s => s.GetRequiredService<LogReplay>());
        services.AddSingleton<IHistory, History>();

        services.AddSingleton<SessionRegistry>();
        services.AddSingleton(Opener);
        services.AddSingleton<CatchUp>();
        services.AddSingleton<FilterReader>();
        services.AddSingleton<Resumption>();
        services.AddSingleton<SessionScheduler>();
        services.AddHostedService(s => s.GetRequiredService<SessionScheduler>());
        services.AddSingleton<SessionKeeper>();
        services.AddHostedService(s => s.GetRequiredService<SessionKeeper>());

        services.AddSingleton<SessionMetrics>();
        services.AddSingleton<ReplayMetrics>();
        return services;
    }

    private static SessionOpener Opener(IServiceProvider services)
    {
        var router = services.GetRequiredService<Router>();
        var scheduler = services.GetRequiredService<SessionScheduler>();
        var sessions = services.GetRequiredService<SessionRegistry>();
        var limits = services.GetRequiredService<IOptions<NotifyOptions>>().Value.Limits;
        var time = services.GetRequiredService<TimeProvider>();
        return (connectionId, sink, user, device) =>
        {
            var session =
                new DeliverySession(sink, router, scheduler, limits)
                {
                    User = user,
                    Device = device,
                    ConnectionId = connectionId,
                    ConnectedAt = time.GetUtcNow()
                };
            sessions.Add(connectionId, session, user);
            return session;
        };
    }
}
