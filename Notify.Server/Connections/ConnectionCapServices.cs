using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Net.Http.Headers;
using Notify.Contracts;
using Notify.Engine;
using Notify.Server.Api;
using Notify.Server.Http;
using Notify.Server.Observability;
using Notify.Server.Streaming;

namespace Notify.Server.Connections;

/// <summary>Puts the <see cref="ConnectionCap"/> into the process. A host of its own has its own server, and its own limits.</summary>
internal static class ConnectionCapServices
{
    private static readonly Refusal Full =
        new(ErrorCodes.StorageUnavailable, "This node has as many connections as it may. Try again: another node, or this one a little later, will take you.");

    /// <summary>After <c>UseSockets</c>, whose settings stay as they are.</summary>
    public static void AddConnectionCap(this IServiceCollection services)
    {
        services.AddSingleton<ConnectionCap>();
        services.AddSingleton<IConnectionListenerFactory>(s =>
            ActivatorUtilities.CreateInstance<CappedListeners>(s, ActivatorUtilities.CreateInstance<SocketTransportFactory>(s)));
    }

    /// <summary>First of the pipeline: answers what comes on connections beyond the cap.</summary>
    public static void UseConnectionCap(this WebApplication app)
    {
        var cap = app.Services.GetRequiredService<ConnectionCap>();
        var metrics = app.Services.GetRequiredService<ConnectionMetrics>();
        app.Use((context, next) =>
            context.Features.Get<CappedConnection>() is { } beyond && cap.IsBeyond(beyond) ? AnswerAsync(context, metrics, next) : next(context));
    }

    private static Task AnswerAsync(HttpContext context, ConnectionMetrics metrics, RequestDelegate next)
    {
        context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        if (HttpProtocol.IsHttp10(context.Request.Protocol) || HttpProtocol.IsHttp11(context.Request.Protocol))
            context.Response.Headers[HeaderNames.Connection] = "close";
        var path = context.Request.Path;
        if (path.StartsWithSegments(Health.Root) || path.StartsWithSegments(NotifyEndpoints.Metrics)) return next(context);
        metrics.Refused(ConnectionMetrics.Full);
        return path == ApiPaths.Root + StreamEndpoint.Path ? StreamRefusal.WriteAsync(context, Full)
            : Problem.WriteAsync(context, Full);
    }
}
