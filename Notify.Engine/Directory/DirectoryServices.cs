using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory.Attributes;
using Notify.Engine.Directory.Rules;
using Notify.Engine.Tail;

namespace Notify.Engine.Directory;

/// <summary>Users, groups, durable subscriptions and devices.</summary>
internal static class DirectoryServices
{
    public static IServiceCollection AddNotifyDirectory(this IServiceCollection services)
    {
        services.AddSingleton(s =>
        {
            var connected = new ConnectedUsers();
            s.GetRequiredService<SessionRegistry>().Removed += connected.Leave;
            return connected;
        });
        services.AddSingleton<PeopleMetrics>();
        services.AddSingleton<PeopleReader>();
        services.AddSingleton<IUserReadings, PeopleReadings>();
        services.AddSingleton<ILogApplier, PeopleApplier>();
        services.AddSingleton<DirectoryWriter>();
        services.AddHostedService(s => s.GetRequiredService<DirectoryWriter>());
        services.AddSingleton<AppliedChanges>();
        services.AddSingleton<OwnChanges>();
        services.AddSingleton<RuleIndex>();
        services.AddSingleton<AttributeChanges>();
        services.AddSingleton<RuleWorker>();
        services.AddHostedService(s => s.GetRequiredService<RuleWorker>());
        services.AddSingleton<Acknowledgements>();
        services.AddHostedService(s => s.GetRequiredService<Acknowledgements>());
        return services;
    }
}
