using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Notify.Engine.Cluster;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery;
using Notify.Engine.Directory;
using Notify.Engine.Inbox;
using Notify.Engine.Observability;
using Notify.Engine.Presence;
using Notify.Engine.Publishing;
using Notify.Engine.Tail;
using Notify.Server.Api;
using Notify.Server.Authentication;
using Notify.Server.Configuration;
using Notify.Server.Hosting;
using Notify.Server.Hubs;
using Notify.Server.Hubs.Signals;
using Notify.Server.Security;
using Notify.Server.Streaming;
using Notify.Storage;
using Notify.Storage.Log;

namespace Notify.Server;

/// <summary>Adds the service to an ASP.NET app: its own Program or a hosting app.</summary>
public static class NotifyServiceCollectionExtensions
{
    /// <summary>
    /// Adds the service to an app. Settings are read from <c>Notify:</c> at once and checked, such as <c>Notify:Postgres</c>,
    /// <c>Notify:Redis</c> and <c>Notify:Storage:SqlitePath</c>; nothing else of the configuration is read. Endpoints come with
    /// <see cref="NotifyEndpoints.MapNotify"/>. The app's other services, endpoints, hubs, defaults and middleware stay as they are.
    /// </summary>
    /// <remarks>
    /// An app should keep the category <c>Microsoft.AspNetCore.Hosting.Diagnostics</c> at Warning: at Information it prints
    /// query strings, and browsers send tokens there.
    /// </remarks>
    /// <param name="builder">The app's builder.</param>
    /// <param name="configure">Sets options in code, after the configuration; they are held to the same rules.</param>
    /// <exception cref="SettingsException">A setting is wrong; the message is one sentence for the operator.</exception>
    public static IHostApplicationBuilder AddNotify(this IHostApplicationBuilder builder, Action<NotifyOptions>? configure = null)
    {
        builder.Services.AddNotify(builder.Configuration, builder.Environment, configure);
        return builder;
    }

    /// <inheritdoc cref="AddNotify(IHostApplicationBuilder, Action{NotifyOptions}?)"/>
    /// <param name="services">The app's services.</param>
    /// <param name="configuration">Its configuration.</param>
    /// <param name="environment">Its environment.</param>
    /// <param name="configure">Sets options in code, after the configuration; they are held to the same rules.</param>
    public static IServiceCollection AddNotify(this IServiceCollection services, IConfiguration configuration, IHostEnvironment environment,
        Action<NotifyOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(environment);
        if (services.Any(service => service.ServiceType == typeof(Authenticator)))
            throw new InvalidOperationException("AddNotify was called twice; an app has one notification service.");
        var host = NotifyHost.Of(services);
        var options = NotifySettings.Read(configuration, host, configure);
        var cluster = ClusterSettings.Read(options, host);
        var storage = new StorageOptions
        {
            Postgres = cluster.Postgres,
            Schema = options.Storage.Schema,
            SqlitePath = options.Storage.SqlitePath,
            MigrateAtStart = options.Storage.MigrateAtStart,
            InboxMaxAge = options.Inbox.MaxAge,
        };

        var first = services.Count;
        services.TryAddSingleton(host);
        services.AddSingleton(Options.Create(options));
        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
        services.AddNotifyAuthentication(options.Auth);
        AddLog(services, storage, host);
        services.AddNotifyTail();
        services.AddNotifyDelivery();
        services.AddNotifyDirectory();
        services.AddNotifyInbox();
        if (cluster.Redis is { } redis) services.AddNotifyCluster(redis).AddNotifySignals(redis);
        else services.AddNotifyCluster(cluster.Postgres, storage.Schema).AddNotifySignals();
        services.AddNotifyPresence();
        services.AddNotifyPublishing();
        services.AddSingleton<INotifyPublisher, AppPublisher>();
        AddApi(services, host);
        services.AddNotifyHub();
        if (!host.IsOwnProcess) GuestService.Wrap(services, first);
        return services;
    }

    /// <inheritdoc cref="AddNotify(IHostApplicationBuilder, Action{NotifyOptions}?)"/>
    /// <param name="services">The services of an app builder, which know its configuration and environment.</param>
    /// <param name="configure">Sets options in code, after the configuration; they are held to the same rules.</param>
    /// <exception cref="InvalidOperationException">They are not an app builder's: say which configuration and environment.</exception>
    public static IServiceCollection AddNotify(this IServiceCollection services, Action<NotifyOptions> configure)
    {
        var context = services.Select(service => service.IsKeyedService ? null : service.ImplementationInstance).OfType<HostBuilderContext>().LastOrDefault()
            ?? throw new InvalidOperationException("These services do not know their app's configuration: call builder.AddNotify(…), or " +
                "AddNotify(configuration, environment, …).");
        return services.AddNotify(context.Configuration, context.HostingEnvironment, configure);
    }

    // First of the hosted services: what starts after it finds the log open, or knows that it is not.
    private static void AddLog(IServiceCollection services, StorageOptions storage, NotifyHost host)
    {
        services.AddSingleton(storage);
        services.AddSingleton<LogOpener>(cancellationToken => OpenAsync(storage, host, cancellationToken));
        services.AddSingleton<OpenedLog>();
        services.AddSingleton<INotificationLog>(provider => provider.GetRequiredService<OpenedLog>());
        services.AddSingleton(provider => new AccessModeDecision(
            provider.GetRequiredService<CurrentAccessMode>(),
            provider.GetRequiredService<IOptions<NotifyOptions>>(),
            provider.GetRequiredService<IHostEnvironment>(),
            provider.GetRequiredService<ILogger<AccessModeDecision>>(),
            provider.GetService<IAuthenticationSchemeProvider>()));
        services.AddSingleton<LogOpening>();
        services.AddHostedService(provider => provider.GetRequiredService<LogOpening>());
        services.AddHostedService<RetentionSweeper>();
    }

    private static async Task<INotificationLog> OpenAsync(StorageOptions storage, NotifyHost host, CancellationToken cancellationToken)
    {
        try
        {
            return await LogStore.OpenAsync(storage, cancellationToken);
        }
        catch (StorageMisconfiguredException exception) when (!host.IsOwnProcess)
        {
            throw host.Named(exception);
        }
    }

    private static void AddApi(IServiceCollection services, NotifyHost host)
    {
        services.AddRouting();
        services.AddSingleton<OriginGate>();
        services.AddSingleton<RequestRate>();
        services.AddSingleton<AttributeRate>();
        services.AddSingleton<ApiGuard>();
        services.AddSingleton<RequestMemory>();
        services.AddSingleton<PublishEndpoints>();
        services.AddSingleton<TopicEndpoint>();
        services.AddSingleton<ReadEndpoints>();
        services.AddSingleton<KeyEndpoints>();
        services.AddSingleton<AttributeEndpoints>();
        services.AddSingleton<RuleEndpoints>();
        services.AddSingleton<InboxEndpoints>();
        services.AddSingleton<IdentityEndpoints>();
        services.AddSingleton<GroupEndpoints>();
        services.AddSingleton<StatsEndpoint>();
        services.AddSingleton<PresenceEndpoints>();
        services.AddSingleton<ExplainEndpoint>();
        services.AddSingleton<UserEndpoints>();
        services.AddSingleton<StreamEndpoint>();
        if (!host.IsOwnProcess) OpenApiOperations.AddDocument(services);
    }
}
