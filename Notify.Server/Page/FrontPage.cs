using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Notify.Server.Page;

/// <summary>
/// The page at <c>/</c>: <c>examples/plain-signalr</c>, embedded, with the stock SignalR client beside it, so that the
/// first minute needs neither a build of the page nor another host.
/// </summary>
internal static class FrontPage
{
    // Everything comes from here and nothing is inline. 'self' covers the page's own WebSocket.
    private const string ContentSecurityPolicy =
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>Serves the page and its three files, outside the OpenAPI document.</summary>
    public static IEndpointRouteBuilder MapNotifyPage(this IEndpointRouteBuilder routes)
    {
        routes.MapFile("/", "index.html", "text/html; charset=utf-8");
        routes.MapFile("/page.css", "page.css", "text/css; charset=utf-8");
        routes.MapFile("/page.js", "page.js", "text/javascript; charset=utf-8");
        routes.MapFile("/signalr.min.js", "signalr.min.js", "text/javascript; charset=utf-8");
        // Bundles of notify-js, for pages of other origins too: a module script is fetched with CORS.
        routes.MapFile("/notify.js", "notify.js", "text/javascript; charset=utf-8", forEverybody: true);
        routes.MapFile("/notify-inbox.js", "notify-inbox.js", "text/javascript; charset=utf-8", forEverybody: true);
        return routes;
    }

    private static void MapFile(this IEndpointRouteBuilder routes, string path, string name, string contentType, bool forEverybody = false)
    {
        var bytes = Read(name);
        var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 16))}\"");
        routes.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], IResult (HttpContext context) =>
        {
            // The page's references are relative, so that it works below any path; without a slash at its end they would be beside it.
            if (path == "/" && !context.Request.Path.Value!.EndsWith('/'))
                return TypedResults.LocalRedirect($"{context.Request.PathBase.Add(context.Request.Path)}/{context.Request.QueryString}");
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers.XContentTypeOptions = "nosniff";
            if (forEverybody)
            {
                headers.AccessControlAllowOrigin = "*";
                headers["Cross-Origin-Resource-Policy"] = "cross-origin";
            }

            // The names never change, so a browser asks each time and mostly hears 304.
            headers.CacheControl = "no-cache";
            return TypedResults.Bytes(bytes, contentType, entityTag: tag);
        }).ExcludeFromDescription();
    }

    private static byte[] Read(string name)
    {
        using var resource = typeof(FrontPage).Assembly.GetManifestResourceStream($"page/{name}")!;
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    }
}
