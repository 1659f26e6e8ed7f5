using Microsoft.AspNetCore.Routing;
using Notify.Server.Api;
using Notify.Server.Hubs;
using Notify.Server.Observability;
using Notify.Server.Page;
using Notify.Server.Security;

namespace Notify.Server;

/// <summary>The service's endpoints.</summary>
public static class NotifyEndpoints
{
    internal const string Metrics = "/metrics";
    private const string OpenApi = "/openapi/{documentName}.json";

    /// <summary>Maps the hub, the calls under <c>/api/v1</c>, the page, health, metrics and the OpenAPI document.</summary>
    public static IEndpointRouteBuilder MapNotify(this IEndpointRouteBuilder endpoints)
    {
        var api = endpoints.MapGroup(ApiPaths.Root).RequireAllowedOrigin();
        api.MapApi();
        endpoints.MapNotifyHub().WithMetadata(new HubEndpoint()).TakeWebSocketsNegotiatedElsewhere().RequireAllowedOrigin().RequireKnownCaller().RefuseWhileDraining();
        endpoints.MapNotifyPage();
        endpoints.MapHealth();
        endpoints.MapPrometheusScrapingEndpoint(Metrics);
        endpoints.MapOpenApi(OpenApi).WithMetadata(new HttpMethodMetadata(ApiCall.Get));
        return endpoints;
    }
}
