namespace Notify.Engine.Presence;

/// <summary>Connections, and the topics that they follow.</summary>
internal static class PresenceServices
{
    public static IServiceCollection AddNotifyPresence(this IServiceCollection services)
    {
        services.AddSingleton<PresenceMetrics>();
        services.AddSingleton<PresenceLink>();
        services.AddSingleton<LocalPresence>();
        services.AddSingleton<PresenceWatching>();
        services.AddHostedService(s => s.GetRequiredService<PresenceWatching>());
        services.AddSingleton<PresenceQueries>();
        services.AddHostedService(s => s.GetRequiredService<PresenceQueries>());
        services.AddSingleton<LastSeen>();
        services.AddHostedService(s => s.GetRequiredService<LastSeen>());
        return services;
    }
}
