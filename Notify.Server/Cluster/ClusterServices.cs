using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.StackExchangeRedis;
using Microsoft.Extensions.Options;
using Notify.Server.Cluster.Carriers;
using Notify.Server.Cluster.Redis;
using Notify.Server.Cluster.Signals;
using Notify.Server.Delivery.Sessions;
using Notify.Server.Hubs;
using Notify.Server.Hubs.Arguments;
using Notify.Server.Observability;
using Notify.Server.Publishing;
using Notify.Storage.Postgres;
using StackExchange.Redis;

namespace Notify.Server.Cluster;

/// <summary>What joins the nodes: Redis, else the Postgres they share, else nothing.</summary>
internal static class ClusterServices
{
    /// <summary>Before Publishing, so that a stopping node has finished its appends when the link sends its last.</summary>
    public static IServiceCollection AddNotifyCluster(this IServiceCollection services, ClusterSettings settings)
    {
        services.AddSingleton<LinkMetrics>();
        services.AddSingleton<ClusterLink>();
        services.AddSingleton<ICommittedEntries, LinkedEntries>();
        if (settings.Redis is { } redis) AddRedis(services, redis);
        else AddLink(services, settings.Postgres);
        services.AddHostedService(s => s.GetRequiredService<ClusterLink>());
        return services;
    }

    /// <summary>Who carries hub sends to connections: what <see cref="NotifyLifetimeManager"/> wraps.</summary>
    public static HubLifetimeManager<NotifyHub> Signals(IServiceProvider services) =>
        services.GetService<RedisSignals>() ?? (HubLifetimeManager<NotifyHub>)services.GetRequiredService<LinkSignals>();

    private static void AddRedis(IServiceCollection services, ConfigurationOptions options)
    {
        services.AddSingleton(s => ActivatorUtilities.CreateInstance<RedisConnection>(s, options));
        services.AddHostedService(s => s.GetRequiredService<RedisConnection>());
        services.AddSingleton<RedisGuard>();
        services.AddSingleton<ICarrier, RedisCarrier>();
        services.AddSingleton(s => new RedisSignals(
            StockBackplane(s, options),
            s.GetRequiredService<RedisConnection>(),
            s.GetRequiredService<RedisGuard>(),
            s.GetRequiredService<TimeProvider>()));
        services.AddHealthChecks().AddCheck<RedisCheck>("redis", tags: [Health.ReadyTag]);
    }

    private static void AddLink(IServiceCollection services, string? postgres)
    {
        if (postgres is null)
        {
            services.AddSingleton<ICarrier, NoCarrier>();
        }
        else
        {
            services.AddSingleton(_ => new PostgresChannel(postgres));
            services.AddSingleton<ICarrier, PostgresCarrier>();
        }

        services.AddSingleton(s => new LinkSignals(
            new DefaultHubLifetimeManager<NotifyHub>(s.GetRequiredService<ILogger<DefaultHubLifetimeManager<NotifyHub>>>()),
            s.GetRequiredService<ClusterLink>(),
            s.GetRequiredService<SessionRegistry>()));
    }

    // With options of its own: those of a host's other hubs stay as they were.
    private static RedisHubLifetimeManager<NotifyHub> StockBackplane(IServiceProvider services, ConfigurationOptions options) => new(
        services.GetRequiredService<ILogger<RedisHubLifetimeManager<NotifyHub>>>(),
        Options.Create(new RedisOptions
        {
            Configuration = options,

            // The node's own connection, and not before there is one: the stock manager subscribes once, right after it
            // has this, and would never hear of anything if that failed.
            ConnectionFactory = _ => services.GetRequiredService<RedisConnection>().Connected,
        }),
        new NotifyProtocolResolver(services.GetRequiredService<ILogger<NamedArgumentsProtocol>>()),
        services.GetRequiredService<IOptions<HubOptions>>(),
        services.GetRequiredService<IOptions<HubOptions<NotifyHub>>>());
}
