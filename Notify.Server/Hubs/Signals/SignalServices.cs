using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.StackExchangeRedis;
using Microsoft.Extensions.Options;
using Notify.Engine.Cluster;
using Notify.Engine.Cluster.Redis;
using Notify.Engine.Delivery.Sessions;
using Notify.Server.Hubs.Arguments;
using StackExchange.Redis;

namespace Notify.Server.Hubs.Signals;

/// <summary>What carries hub sends to connections on other nodes: SignalR's Redis backplane, else the link between the nodes.</summary>
internal static class SignalServices
{
    /// <summary>Carries them by the link between the nodes.</summary>
    public static IServiceCollection AddNotifySignals(this IServiceCollection services) => services.AddSingleton(s => new LinkSignals(
        new DefaultHubLifetimeManager<NotifyHub>(s.GetRequiredService<ILogger<DefaultHubLifetimeManager<NotifyHub>>>()),
        s.GetRequiredService<ClusterLink>(),
        s.GetRequiredService<SessionRegistry>()));

    /// <summary>Carries them by SignalR's Redis backplane.</summary>
    public static IServiceCollection AddNotifySignals(this IServiceCollection services, ConfigurationOptions redis) => services.AddSingleton(s =>
        new RedisSignals(
            StockBackplane(s, redis),
            s.GetRequiredService<RedisConnection>(),
            s.GetRequiredService<RedisGuard>(),
            s.GetRequiredService<TimeProvider>()));

    /// <summary>What <see cref="NotifyLifetimeManager"/> wraps.</summary>
    public static HubLifetimeManager<NotifyHub> Signals(IServiceProvider services) =>
        services.GetService<RedisSignals>() ?? (HubLifetimeManager<NotifyHub>)services.GetRequiredService<LinkSignals>();

    // With options of its own: those of a host's other hubs stay as they were.
    private static RedisHubLifetimeManager<NotifyHub> StockBackplane(IServiceProvider services, ConfigurationOptions options) => new(
        services.GetRequiredService<ILogger<RedisHubLifetimeManager<NotifyHub>>>(),
        Options.Create(new RedisOptions
        {
            Configuration = options,

            ConnectionFactory = _ => ConnectAsync(services.GetRequiredService<RedisConnection>(), services.GetRequiredService<RedisSubscriptions>()),
        }),
        new NotifyProtocolResolver(services.GetRequiredService<ILogger<NamedArgumentsProtocol>>()),
        services.GetRequiredService<OwnHubOptions>().Global,
        services.GetRequiredService<OwnHubOptions>().Hub);

    // The node's own connection, with subscriptions that are made until they hold: the stock manager makes those to its
    // own channels once, right after it has this, and would never hear of anything if that failed.
    private static async Task<IConnectionMultiplexer> ConnectAsync(RedisConnection redis, RedisSubscriptions subscriptions)
    {
        var connection = await redis.Connected;
        var subscriber = Intercepted<ISubscriber>.Create(connection.GetSubscriber(), (method, arguments) =>
            method.Name == nameof(ISubscriber.SubscribeAsync) && method.ReturnType == typeof(Task<ChannelMessageQueue>)
                ? subscriptions.SubscribeAsync((RedisChannel)arguments[0]!)
                : null);
        return Intercepted<IConnectionMultiplexer>.Create(
            connection, (method, _) => method.Name == nameof(IConnectionMultiplexer.GetSubscriber) ? subscriber : null);
    }
}
