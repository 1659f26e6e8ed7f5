using Notify.Engine.Tail;

namespace Notify.Engine.Inbox;

/// <summary>The inbox: reading it, marking it, and telling connections of it.</summary>
internal static class InboxServices
{
    public static IServiceCollection AddNotifyInbox(this IServiceCollection services)
    {
        services.AddSingleton<InboxReader>();
        services.AddSingleton<InboxMarking>();
        services.AddSingleton<Explaining>();
        services.AddSingleton<InboxSignals>();
        services.AddSingleton<ILogApplier>(s => s.GetRequiredService<InboxSignals>()); // after people: the audience is known by then
        services.AddHostedService(s => s.GetRequiredService<InboxSignals>());
        return services;
    }
}
