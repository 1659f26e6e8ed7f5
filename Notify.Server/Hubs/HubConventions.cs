using Notify.Contracts;
using Notify.Server.Api;
using Notify.Server.Security;

namespace Notify.Server.Hubs;

/// <summary>What stands before the hub's endpoints: at negotiate and at connect, whatever the transport.</summary>
internal static class HubConventions
{
    private static readonly Refusal Leaving = new(ErrorCodes.StorageUnavailable, "This node is stopping. Connect again; another node or the next start will take you.");

    /// <summary>A caller who cannot be identified gets a problem document before there is a connection.</summary>
    public static TBuilder RequireKnownCaller<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.Before(services =>
        {
            var callers = services.GetRequiredService<Callers>();
            return context => callers.TryIdentify(context, out _, out var refusal) ? null : refusal;
        });

    /// <summary>A leaving node takes nobody, or its clients rejoin it and are cut twice.</summary>
    public static TBuilder RefuseWhileDraining<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.Before(services =>
        {
            var draining = services.GetRequiredService<Draining>();
            return _ => draining.IsDraining ? Leaving : null;
        });

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
