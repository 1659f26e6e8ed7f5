using Notify.Engine.Cluster.Backplanes;
using Notify.Engine.Cluster.Redis;
using Notify.Engine.Publishing;
using Notify.Storage;
using Notify.Storage.Postgres;
using StackExchange.Redis;

namespace Notify.Engine.Cluster;

/// <summary>What joins the nodes: Redis, else the Postgres they share, else nothing.</summary>
internal static class ClusterServices
{
    /// <summary>Before Publishing, so that a stopping node has finished its appends when the link sends its last.</summary>
    public static IServiceCollection AddNotifyCluster(
        this IServiceCollection services, string? postgres, ConfigurationOptions? redis, string schema = StorageOptions.DefaultSchema)
    {
        services.AddSingleton<LinkMetrics>();
        services.AddSingleton<ClusterLink>();
        services.AddSingleton<ICommitObserver, ClusterCommitObserver>();
        if (redis is not null) AddRedis(services, redis);
        else AddLink(services, postgres, schema);
        services.AddHostedService(s => s.GetRequiredService<ClusterLink>());
        services.AddSingleton<NodeLeases>();
        services.AddHostedService(s => s.GetRequiredService<NodeLeases>());
        return services;
    }

    private static void AddRedis(IServiceCollection services, ConfigurationOptions options)
    {
        services.AddSingleton(s => ActivatorUtilities.CreateInstance<RedisConnection>(s, options));
        services.AddHostedService(s => s.GetRequiredService<RedisConnection>());
        services.AddSingleton<RedisGuard>();
        services.AddSingleton<RedisSubscriptions>();
        services.AddSingleton<IBackplane, RedisBackplane>();
    }

    private static void AddLink(IServiceCollection services, string? postgres, string schema)
    {
        if (postgres is null)
        {
            services.AddSingleton<IBackplane, NoBackplane>();
        }
        else
        {
            services.AddSingleton(_ => new PostgresChannel(postgres, schema));
            services.AddSingleton<IBackplane, PostgresBackplane>();
        }
    }
}
