using Microsoft.AspNetCore.Http.Features;

namespace Notify.Server.Hubs;

/// <summary>
/// A client that negotiates asks twice: for a connection, and to upgrade it, and a balancer may send the two to different nodes. A WebSocket
/// needs nothing of the node that was asked first, so one with the <c>id</c> of a connection that is not here begins as if it had not been
/// negotiated. (Long polling and SignalR's event streams do need that node: see docs/nginx.md.)
/// </summary>
internal static class NegotiatedElsewhere
{
    private const string Id = "id";

    /// <summary>Nearest to the hub: what else is asked of a connection is asked before.</summary>
    public static TBuilder TakeWebSocketsNegotiatedElsewhere<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint =>
        {
            if (endpoint.RequestDelegate is { } next)
                endpoint.RequestDelegate = context => IsNegotiatedWebSocket(context) ? RunAsync(context, next) : next(context);
        });
        return builder;
    }

    private static bool IsNegotiatedWebSocket(HttpContext context) =>
        context.Request.Query.ContainsKey(Id)
        && (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
            || context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true });

    // Which connections are here, SignalR does not say; it answers 404. That answer is held back, and a WebSocket has no other.
    private static async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        var response = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        using var body = new MemoryStream();
        var heldBack = new StreamResponseBodyFeature(body);
        context.Features.Set<IHttpResponseBodyFeature>(heldBack);
        try
        {
            await next(context);
        }
        finally
        {
            context.Features.Set(response);
        }

        if (context.Response.HasStarted) return; // it was here
        if (context.Response.StatusCode == StatusCodes.Status404NotFound)
        {
            context.Response.Clear();
            context.Request.QueryString = Without(context.Request.Query, Id);
            await next(context);
            return;
        }

        await heldBack.CompleteAsync();
        await context.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), context.RequestAborted);
    }

    private static QueryString Without(IQueryCollection query, string name) => QueryString.Create(query.Where(pair => pair.Key != name));
}
