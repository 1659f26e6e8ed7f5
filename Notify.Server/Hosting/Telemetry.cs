using Notify.Engine.Observability;
using Notify.Server.Api;
using Notify.Server.Streaming;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Notify.Server.Hosting;

/// <summary>
/// Traces and metrics over OTLP, when OpenTelemetry's own variables say where to. Of the process and not of the service:
/// a host of its own has its own exporters, and adds the source and the meter <c>Notify</c> to them.
/// </summary>
internal static class Telemetry
{
    private const string Service = "notify";
    private const string SignalR = "Microsoft.AspNetCore.SignalR.Server";
    private const string Runtime = "System.Runtime"; // collections, pauses, memory, threads
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string TracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    private const string MetricsEndpoint = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";

    public static void AddExport(WebApplicationBuilder builder)
    {
        var settings = builder.Configuration;
        var telemetry = builder.Services.AddOpenTelemetry();
        if (!IsSet(settings, "OTEL_SERVICE_NAME")) telemetry.ConfigureResource(resource => resource.AddService(Service));

        var traces = IsSet(settings, Endpoint) || IsSet(settings, TracesEndpoint);
        var metrics = IsSet(settings, Endpoint) || IsSet(settings, MetricsEndpoint);
        telemetry.WithMetrics(prometheus => prometheus.AddMeter(NotifyMetrics.MeterName, Runtime).AddPrometheusExporter());
        if (metrics) telemetry.WithMetrics(export => export.AddOtlpExporter());
        if (traces)
        {
            telemetry.WithTracing(export => export
                .AddSource(NotifyTraces.SourceName, SignalR)
                .AddAspNetCoreInstrumentation(http => http.Filter = context => IsCall(context.Request.Path))
                .AddOtlpExporter());
        }
    }

    // Not probes and scrapes, and not what stays open for hours: hub calls have spans of their own.
    private static bool IsCall(PathString path) => path.StartsWithSegments(ApiPaths.Root, out var call) && call != StreamEndpoint.Path;

    private static bool IsSet(ConfigurationManager settings, string key) => !string.IsNullOrEmpty(settings[key]);
}
