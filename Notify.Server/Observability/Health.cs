using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Notify.Engine.Cluster.Redis;
using Notify.Server.Api;

namespace Notify.Server.Observability;

/// <summary>
/// <c>/health/live</c>: the process answers. <c>/health/ready</c>: send it traffic; 503 while starting and draining.
/// A storage that goes away later is degraded with 200: it is away for every node, and taking them all out of the
/// balancer would cut the connections that are still good.
/// </summary>
internal static class Health
{
    internal const string Root = "/health";
    internal const string Live = Root + "/live";
    internal const string Ready = Root + "/ready";

    /// <summary>The tag of the checks that make a node ready.</summary>
    internal const string ReadyTag = "notify-ready";

    /// <summary>The service's checks; Redis too where it is configured.</summary>
    /// <param name="builder">The app's health checks.</param>
    /// <param name="prefix">In an app: names are unique there, and it may well have a check 'redis' of its own.</param>
    /// <param name="tags">Besides <see cref="ReadyTag"/>.</param>
    public static IHealthChecksBuilder AddNotifyParts(this IHealthChecksBuilder builder, string prefix = "", params string[] tags)
    {
        string[] all = [ReadyTag, .. tags];
        builder.AddCheck<LifetimeCheck>($"{prefix}node", tags: all)
            .AddCheck<StorageCheck>($"{prefix}storage", tags: all)
            .AddCheck<DeliveryCheck>($"{prefix}delivery", tags: all);
        builder.Services.AddOptions<HealthCheckServiceOptions>().Configure<IServiceProvider>((options, services) =>
        {
            if (services.GetService<RedisConnection>() is { } redis)
                options.Registrations.Add(new HealthCheckRegistration($"{prefix}redis", ActivatorUtilities.CreateInstance<RedisCheck>(services, redis), null,
                    all));
        });
        return builder;
    }

    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks(Live, new HealthCheckOptions { Predicate = _ => false, ResponseWriter = WriteAsync });
        endpoints.MapHealthChecks(Ready, new HealthCheckOptions { Predicate = check => check.Tags.Contains(ReadyTag), ResponseWriter = WriteAsync });
    }

    private static Task WriteAsync(HttpContext context, HealthReport report)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("status", Word(report.Status));
            if (report.Entries.Count > 0)
            {
                writer.WriteStartObject("parts");
                foreach (var (name, part) in report.Entries)
                {
                    writer.WriteStartObject(name);
                    writer.WriteString("status", Word(part.Status));
                    if (part.Description is { } description) writer.WriteString("detail", description);
                    writer.WriteEndObject();
                }

                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        return JsonAnswer.WriteAsync(context, context.Response.StatusCode, json.ToArray());
    }

    private static string Word(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };
}
