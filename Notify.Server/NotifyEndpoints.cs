using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;
using Notify.Server.Api;
using Notify.Server.Authentication;
using Notify.Server.Configuration;
using Notify.Server.Http;
using Notify.Server.Hubs;
using Notify.Server.Observability;
using Notify.Server.Page;
using Notify.Server.Security;

namespace Notify.Server;

/// <summary>The service's endpoints.</summary>
public static class NotifyEndpoints
{
    internal const string Metrics = "/metrics";

    // The service knows by itself what a caller may. An app's fallback policy, made for the app's own pages, would turn away its
    // publishers, which show a key and not the app's login. What an app asks for on these endpoints does hold.
    private static readonly AuthorizationPolicy NotTheFallback = new AuthorizationPolicyBuilder().RequireAssertion(_ => true).Build();

    /// <summary>
    /// Maps the calls under <c>api/v1</c>, with the event stream, and the hub <c>hubs/notifications</c>: below the group and the path
    /// base that it is called on. Nothing else is mapped, and the app's own endpoints stay as they are.
    /// </summary>
    /// <returns>For conventions on all of them, such as <c>RequireHost</c> or <c>RequireAuthorization</c>.</returns>
    /// <exception cref="InvalidOperationException">The service was not added.</exception>
    public static IEndpointConventionBuilder MapNotify(this IEndpointRouteBuilder endpoints)
    {
        if (endpoints.ServiceProvider.GetService<Authenticator>() is null)
            throw new InvalidOperationException("MapNotify needs the service: call builder.AddNotify() before the app is built.");
        var group = endpoints.MapGroup("");
        ((IEndpointConventionBuilder)group).Finally(endpoint =>
        {
            // Last, when it is known what the app asks for: beside another policy ASP.NET leaves out the default one of RequireAuthorization().
            // Without a fallback there is nothing to evade, and a policy costs every call a fifth of what a publish allocates.
            if (MayHaveFallback(endpoint.ApplicationServices) && !endpoint.Metadata.Any(data => data is IAuthorizeData or AuthorizationPolicy))
                endpoint.Metadata.Add(NotTheFallback);
        });
        var api = group.MapGroup(ApiPaths.Root).RequireAllowedOrigin();
        api.MapApi();
        if (endpoints.ServiceProvider.GetService<NotifyHost>() != NotifyHost.OwnProcess) StandBesideOthers(group, api);
        group.MapNotifyHub().TakeWebSocketsNegotiatedElsewhere().WithMetadata(new HubEndpoint()).RequireAllowedOrigin().RequireKnownCaller()
            .RefuseWhileDraining();
        return group;
    }

    // What the own process has no need of: it keeps no answers, and answers unknown paths for all of its endpoints at once, since a
    // route that matches everything is looked at in each call.
    private static void StandBesideOthers(RouteGroupBuilder group, RouteGroupBuilder api)
    {
        group.CacheOutput(cache => cache.NoCache()); // an app's base policy may keep every GET for a minute
        api.MapNothingElse();
    }

    private static bool MayHaveFallback(IServiceProvider app) => app.GetService<IAuthorizationPolicyProvider>() switch
    {
        null => false,
        DefaultAuthorizationPolicyProvider => app.GetRequiredService<IOptions<AuthorizationOptions>>().Value.FallbackPolicy is not null,
        _ => true,
    };

    /// <summary>
    /// Maps what the service's own process has besides: the page with the API reference, health, metrics and the OpenAPI document, and an answer
    /// for all other paths.
    /// </summary>
    internal static void MapNotifyProcess(this WebApplication app)
    {
        // SignalR brings ASP.NET's authorization with it, which costs each call a dictionary; no endpoint of this process asks for it, and
        // one that did would fail. The key is WebApplicationBuilder's.
        ((IApplicationBuilder)app).Properties["__AuthorizationMiddlewareSet"] = true;
        app.UseNothingHere();
        app.MapNotifyPage(OwnDocument.Path);
        app.MapHealth();
        app.MapPrometheusScrapingEndpoint(Metrics);
        app.MapOwnDocument();
    }

    /// <summary>
    /// Adds the service's health to the app's: <c>notify-node</c>, <c>notify-storage</c>, <c>notify-delivery</c>, and <c>notify-redis</c> where Redis is
    /// configured. Not ready while the log has not been read yet or this node leaves; a storage that goes away later is degraded, since
    /// it is away for every node.
    /// </summary>
    /// <param name="builder">The app's health checks.</param>
    /// <param name="tags">Tags by which the app chooses them.</param>
    public static IHealthChecksBuilder AddNotify(this IHealthChecksBuilder builder, params string[] tags) => builder.AddNotifyParts("notify-", tags);
}
