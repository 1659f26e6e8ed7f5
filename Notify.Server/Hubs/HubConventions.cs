using Microsoft.AspNetCore.Http.Features;
using Notify.Engine;
using Notify.Server.Api;
using Notify.Server.Security;

namespace Notify.Server.Hubs;

/// <summary>What stands before the hub's endpoints: at negotiate and at connect, whatever the transport.</summary>
internal static class HubConventions
{
    /// <summary>
    /// A caller who cannot be identified, or has too many connections, gets a problem document before there is one more.
    /// A request with SignalR's own <c>id</c> belongs to a connection that was let in.
    /// </summary>
    public static TBuilder RequireKnownCaller<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.Before(services =>
        {
            var callers = services.GetRequiredService<Callers>();
            var limit = services.GetRequiredService<ConnectionLimit>();
            return context => callers.TryIdentify(context, out var caller, out var refusal)
                ? context.Request.Query.ContainsKey("id") ? null : limit.Check(caller)
                : refusal;
        });

    /// <summary>
    /// A leaving node takes nobody, or its clients rejoin it and are cut twice. What polls or sends on a connection that
    /// was let in has SignalR's own <c>id</c> and goes on until that connection is closed.
    /// </summary>
    public static TBuilder RefuseWhileDraining<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.Before(services =>
        {
            var draining = services.GetRequiredService<Draining>();
            return context => draining.IsDraining && Connects(context) ? Draining.Leaving : null;
        });

    private static bool Connects(HttpContext context) =>
        !context.Request.Query.ContainsKey("id")
        || context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
        || context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };

    private static TBuilder Before<TBuilder>(this TBuilder builder, Func<IServiceProvider, Func<HttpContext, Refusal?>> make)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint =>
        {
            if (endpoint.RequestDelegate is not { } next) return;
            var check = make(endpoint.ApplicationServices);
            endpoint.RequestDelegate = context => check(context) is { } refusal ? Problem.WriteAsync(context, refusal) : next(context);
        });
        return builder;
    }
}
