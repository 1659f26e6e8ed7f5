using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Notify.Contracts.Hub;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory;
using Notify.Server.Authentication;
using Notify.Server.Hubs.Arguments;
using Notify.Server.Hubs.Signals;

namespace Notify.Server.Hubs;

/// <summary>The hub beside whatever hubs a host has: everything of ours is registered closed, for this hub alone.</summary>
internal static class HubServices
{
    /// <summary>
    /// SignalR's own limit, which asks for a write whole: longer than the slowest line that is served takes for one. A client that takes
    /// nothing is found earlier, by <see cref="Connections.ClientPace"/>.
    /// </summary>
    private static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(60);

    /// <summary>More bytes than this in a connection's pipe make its session wait, and the rest queue.</summary>
    private const int TransportBuffer = 64 * 1024;

    public static IServiceCollection AddNotifyHub(this IServiceCollection services)
    {
        services.AddSignalR();
        services.AddSingleton<OwnHubOptions>();

        services.AddSingleton<HubLifetimeManager<NotifyHub>>(s => new NotifyLifetimeManager(
            SignalServices.Signals(s),
            s.GetRequiredService<SessionOpener>(),
            s.GetRequiredService<SessionRegistry>(),
            s.GetRequiredService<EstablishedConnections>(),
            s.GetRequiredService<LiveCallers>(),
            s.GetRequiredService<OwnChanges>(),
            s.GetRequiredService<TimeProvider>()));

        services.AddSingleton(s => new HubConnectionHandler<NotifyHub>(
            s.GetRequiredService<HubLifetimeManager<NotifyHub>>(),
            new NotifyProtocolResolver(s.GetRequiredService<ILogger<NamedArgumentsProtocol>>()),
            s.GetRequiredService<OwnHubOptions>().Global,
            s.GetRequiredService<OwnHubOptions>().Hub,
            new HubLoggerFactory(s.GetRequiredService<ILoggerFactory>()),
            new CallerUserIdProvider(),
            s.GetRequiredService<IServiceScopeFactory>()));

        services.AddSingleton<EstablishedConnections>();
        services.AddSingleton<ConnectionMetrics>();
        services.AddSingleton<ConnectionLimit>();
        services.AddSingleton<Draining>();
        services.AddHostedService(s => s.GetRequiredService<Draining>());
        return services;
    }

    /// <summary>
    /// What <c>MapHub</c> does, except that the hub and the code that calls its methods are made when the first connection comes: a node starts a
    /// tenth sooner, and is 3 MB smaller until then.
    /// </summary>
    public static IEndpointConventionBuilder MapNotifyHub(this IEndpointRouteBuilder endpoints)
    {
        var services = endpoints.ServiceProvider;
        return endpoints.MapConnections(HubMethods.Path, ConnectionOptions(), connections =>
                connections.Run(connection => services.GetRequiredService<HubConnectionHandler<NotifyHub>>().OnConnectedAsync(connection)))
            .WithMetadata(new HubMetadata(typeof(NotifyHub)));
    }

    private static HttpConnectionDispatcherOptions ConnectionOptions() => new()
    {
        TransportSendTimeout = SendTimeout,
        TransportMaxBufferSize = TransportBuffer,
        ApplicationMaxBufferSize = TransportBuffer,
        AllowStatefulReconnects = false, // it would count a joined frame as one; replay replaces it
        Transports = HttpTransports.All,
    };
}
