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

    /// <summary>Where the service's own path begins in the request's target; what is before it may contain the same words.</summary>
    public static int IndexOf(HttpContext context, string target, string own)
    {
        var before = Count(Prefix(context) + '/', own);
        var pathBase = context.Request.PathBase.Value ?? "";
        if (before > 0 || pathBase.Contains(own[..^1], StringComparison.OrdinalIgnoreCase))
        {
            // One that a proxy took off is not in the target.
            if (Uri.UnescapeDataString(target).StartsWith(pathBase, StringComparison.OrdinalIgnoreCase)) before = Count(pathBase + Prefix(context) + '/', own);
        }

        var index = target.IndexOf(own, StringComparison.OrdinalIgnoreCase);
        for (; before > 0 && index >= 0; before--) index = target.IndexOf(own, index + 1, StringComparison.OrdinalIgnoreCase);
        return index;
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

    private static int Count(string text, string words)
    {
        var count = 0;
        for (var i = text.IndexOf(words, StringComparison.OrdinalIgnoreCase); i >= 0; i = text.IndexOf(words, i + 1, StringComparison.OrdinalIgnoreCase)) count++;
        return count;
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
