using Microsoft.AspNetCore.Http.Features;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Server.Api;
using Notify.Server.Authentication;

namespace Notify.Server.Hubs;

/// <summary>What stands before the hub's endpoints: at negotiate and at connect, whatever the transport.</summary>
internal static class HubConventions
{
    /// <summary>
    /// A caller that cannot be identified, or has too many connections, gets a problem document before there is one more.
    /// A request with SignalR's own <c>id</c> belongs to a connection that was let in.
    /// </summary>
    public static TBuilder RequireKnownCaller<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.Before(services =>
        {
            var authenticator = services.GetRequiredService<Authenticator>();
            var established = services.GetRequiredService<EstablishedConnections>();
            var limit = services.GetRequiredService<ConnectionLimit>();
            return async context =>
            {
                if (established.Contains(context)) return null;
                var (caller, refusal) = await authenticator.AuthenticateAsync(context, tokenInQuery: true);
                if (caller is null) return refusal;
                Authenticator.Keep(context, caller);
                return AccessRules.Enter(caller) ?? (context.Request.Query.ContainsKey("id") ? null : limit.Check(caller));
            };
        });

    /// <summary>
    /// A leaving node accepts no connection, or its clients rejoin it and are cut twice. What polls or sends on a connection that
    /// was let in has SignalR's own <c>id</c> and goes on until that connection is closed.
    /// </summary>
    public static TBuilder RefuseWhileDraining<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.Before(services =>
        {
            var draining = services.GetRequiredService<Draining>();
            return context => new(Connects(context) ? draining.Check() : null);
        });

    private static bool Connects(HttpContext context) =>
        !context.Request.Query.ContainsKey("id")
        || context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
        || context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };

    private static TBuilder Before<TBuilder>(this TBuilder builder, Func<IServiceProvider, Func<HttpContext, ValueTask<Refusal?>>> make)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint =>
        {
            if (endpoint.RequestDelegate is not { } next) return;
            var check = make(endpoint.ApplicationServices);
            endpoint.RequestDelegate = async context =>
            {
                if (await check(context) is { } refusal) await Problem.WriteAsync(context, refusal);
                else await next(context);
            };
        });
        return builder;
    }
}
