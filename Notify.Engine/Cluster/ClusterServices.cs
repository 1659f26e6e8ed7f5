using Notify.Engine.Cluster.Backplanes;
using Notify.Engine.Cluster.Redis;
using Notify.Engine.Publishing;
using Notify.Storage;
using Notify.Storage.Postgres;
using StackExchange.Redis;

namespace Notify.Engine.Cluster;

/// <summary>
/// What joins the nodes: Redis, else the Postgres they share, else nothing. Added before Publishing, so that a stopping node has finished its
/// appends when the link sends its last.
/// </summary>
/// <remarks>A method for each: Redis's library is loaded by the first method that is called with something of it.</remarks>
internal static class ClusterServices
{
    /// <summary>Joins the nodes by the Postgres they share; without one the node is alone.</summary>
    public static IServiceCollection AddNotifyCluster(this IServiceCollection services, string? postgres, string schema = StorageOptions.DefaultSchema)
    {
        if (postgres is null) return services.AddSingleton<IBackplane, NoBackplane>().AddLink();
        services.AddSingleton(_ => new PostgresChannel(postgres, schema));
        services.AddSingleton<IBackplane, PostgresBackplane>();
        return services.AddLink();
    }

    /// <summary>Joins the nodes by Redis.</summary>
    public static IServiceCollection AddNotifyCluster(this IServiceCollection services, ConfigurationOptions redis)
    {
        services.AddSingleton(s => ActivatorUtilities.CreateInstance<RedisConnection>(s, redis));
        services.AddHostedService(s => s.GetRequiredService<RedisConnection>());
        services.AddSingleton<RedisGuard>();
        services.AddSingleton<RedisSubscriptions>();
        services.AddSingleton<IBackplane, RedisBackplane>();
        return services.AddLink();
    }

    private static IServiceCollection AddLink(this IServiceCollection services)
    {
        services.AddSingleton<LinkMetrics>();
        services.AddSingleton<ClusterLink>();
        services.AddSingleton<ICommitObserver, ClusterCommitObserver>();
        services.AddHostedService(s => s.GetRequiredService<ClusterLink>());
        services.AddSingleton<NodeLeases>();
        services.AddHostedService(s => s.GetRequiredService<NodeLeases>());
        return services;
    }
}
