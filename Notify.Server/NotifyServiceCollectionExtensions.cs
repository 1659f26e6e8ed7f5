using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Notify.Engine.Cluster;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery;
using Notify.Engine.Directory;
using Notify.Engine.Observability;
using Notify.Engine.Publishing;
using Notify.Engine.Tail;
using Notify.Server.Api;
using Notify.Server.Authentication;
using Notify.Server.Configuration;
using Notify.Server.Hosting;
using Notify.Server.Hubs;
using Notify.Server.Hubs.Signals;
using Notify.Server.Observability;
using Notify.Server.Security;
using Notify.Server.Streaming;
using Notify.Storage;
using Notify.Storage.Log;
using OpenTelemetry.Metrics;

namespace Notify.Server;

/// <summary>Puts the service into an ASP.NET app: its own Program, or somebody else's.</summary>
public static class NotifyServiceCollectionExtensions
{
    /// <summary>
    /// Adds the service. Settings are read from <c>Notify:</c> and <c>ConnectionStrings:</c> at once and checked. Endpoints
    /// come with <see cref="NotifyEndpoints.MapNotify"/>. The app's other endpoints, hubs and middleware stay as they are.
    /// </summary>
    /// <remarks>
    /// A host of its own should keep the category <c>Microsoft.AspNetCore.Hosting.Diagnostics</c> at Warning: at
    /// Information it prints query strings, and browsers send tokens there.
    /// </remarks>
    /// <exception cref="SettingsException">A setting is wrong; the message is one sentence for the operator.</exception>
    public static IServiceCollection AddNotify(this IServiceCollection services, IConfiguration configuration, IHostEnvironment environment)
    {
        var options = NotifySettings.Read(configuration);
        var ownProcess = services.Any(service => service.ServiceType == typeof(OwnProcess));
        options.Auth.Embedded = !ownProcess;
        options.Auth.OpenInDevelopment |= ownProcess;
        var cluster = ClusterSettings.Read(configuration);
        var storage = new StorageOptions
        {
            Postgres = cluster.Postgres,
            Schema = options.Storage.Schema,
            SqlitePath = options.Storage.SqlitePath,
            MigrateAtStart = options.Storage.MigrateAtStart,
        };

        services.AddSingleton(Options.Create(options));
        services.TryAddSingleton(TimeProvider.System);
        services.AddNotifyAuthentication(options.Auth);
        AddLog(services, storage);
        services.AddNotifyTail();
        services.AddNotifyDelivery();
        services.AddNotifyDirectory();
        services.AddNotifyCluster(cluster.Postgres, cluster.Redis, storage.Schema);
        services.AddNotifySignals(cluster.Redis);
        services.AddNotifyPublishing();
        AddApi(services);
        services.AddNotifyHub();
        Health.AddChecks(services);
        services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(NotifyMetrics.MeterName).AddPrometheusExporter());
        return services;
    }

    // First of the hosted services: what starts after it finds the log open, or knows that it is not.
    private static void AddLog(IServiceCollection services, StorageOptions storage)
    {
        services.AddSingleton(storage);
        services.AddSingleton<LogOpener>(cancellationToken => LogStore.OpenAsync(storage, cancellationToken));
        services.AddSingleton<OpenedLog>();
        services.AddSingleton<INotificationLog>(provider => provider.GetRequiredService<OpenedLog>());
        services.AddSingleton(provider => new DoorKeeper(
            provider.GetRequiredService<Doors>(),
            provider.GetRequiredService<IOptions<NotifyOptions>>(),
            provider.GetRequiredService<IHostEnvironment>(),
            provider.GetRequiredService<ILogger<DoorKeeper>>(),
            provider.GetService<IAuthenticationSchemeProvider>()));
        services.AddSingleton<LogOpening>();
        services.AddHostedService(provider => provider.GetRequiredService<LogOpening>());
        services.AddHostedService<RetentionSweeper>();
    }

    private static void AddApi(IServiceCollection services)
    {
        services.AddRouting();
        services.AddCors(); // its evaluation only; the middleware is not used
        services.AddSingleton<OriginGate>();
        services.AddSingleton<RequestRate>();
        services.AddSingleton<AttributeRate>();
        services.AddSingleton<ApiGuard>();
        services.AddSingleton<PublishEndpoints>();
        services.AddSingleton<TopicEndpoint>();
        services.AddSingleton<ReadEndpoints>();
        services.AddSingleton<KeyEndpoints>();
        services.AddSingleton<AttributeEndpoints>();
        services.AddSingleton<RuleEndpoints>();
        services.AddSingleton<GroupEndpoints>();
        services.AddSingleton<UserEndpoints>();
        services.AddSingleton<IdentityEndpoints>();
        services.AddSingleton<StreamEndpoint>();
        OpenApiOperations.AddDocument(services);
    }
}
