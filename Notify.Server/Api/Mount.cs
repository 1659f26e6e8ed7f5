using Microsoft.AspNetCore.Routing.Patterns;

namespace Notify.Server.Api;

/// <summary>
/// Where the calls are: below the path base (also one that a proxy's <c>X-Forwarded-Prefix</c> names), and below what the groups of
/// an app have put before them, such as <c>MapGroup("/notify")</c> or <c>MapGroup("/{tenant}/notify")</c>.
/// </summary>
/// <param name="Segments">How many segments of the request's path are before the service's own.</param>
internal sealed record Mount(int Segments)
{
    /// <summary>As the caller has to write it, without a slash at the end: empty when the service is at the root.</summary>
    public static string PathOf(HttpContext context)
    {
        var path = new PathString(Prefix(context));
        return path.HasValue ? context.Request.PathBase.Add(path).ToUriComponent() : context.Request.PathBase.ToUriComponent();
    }

    private static string Prefix(HttpContext context)
    {
        var segments = context.GetEndpoint()?.Metadata.GetMetadata<Mount>()?.Segments ?? 0;
        if (segments == 0) return "";
        var path = context.Request.Path.Value ?? "";
        var end = 0;
        for (; segments > 0 && end >= 0; segments--) end = path.IndexOf('/', end + 1);
        return end < 0 ? path : path[..end];
    }
}

/// <summary>Lets endpoints know their <see cref="Mount"/>.</summary>
internal static class MountConvention
{
    /// <param name="builder">The endpoint.</param>
    /// <param name="path">Its own path below <see cref="ApiPaths.Root"/>.</param>
    public static TBuilder WithMount<TBuilder>(this TBuilder builder, string path)
        where TBuilder : IEndpointConventionBuilder
    {
        var own = RoutePatternFactory.Parse(ApiPaths.Root + path).PathSegments.Count;
        builder.Add(endpoint =>
        {
            // The pattern is the whole one here, with what the groups around it have added.
            if (endpoint is RouteEndpointBuilder route) route.Metadata.Add(new Mount(route.RoutePattern.PathSegments.Count - own));
        });
        return builder;
    }
}
