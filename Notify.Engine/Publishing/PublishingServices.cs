namespace Notify.Engine.Publishing;

/// <summary>From a request to the log.</summary>
internal static class PublishingServices
{
    public static IServiceCollection AddNotifyPublishing(this IServiceCollection services)
    {
        services.AddSingleton<PublishingMetrics>();
        services.AddSingleton<AppendTurn>();
        services.AddSingleton<Publisher>();
        services.AddHostedService(s => s.GetRequiredService<Publisher>());
        services.AddSingleton<PublishFront>();
        return services;
    }
}
