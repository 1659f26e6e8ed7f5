using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Notify.Server.Page;

/// <summary>One embedded file of the page at an address of its own.</summary>
internal static class PageFile
{
    // Everything comes from here and nothing is inline; scripts make no markup of texts (lit-html, the inbox component's, makes it of its own
    // templates). 'self' covers the page's own WebSocket, and the panes are frames of the page.
    private const string ContentSecurityPolicy =
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; "
        + "require-trusted-types-for 'script'; trusted-types lit-html";

    /// <summary>Serves it, outside the OpenAPI document; <c>forEverybody</c>: to pages of other origins as well.</summary>
    public static void MapPageFile(this IEndpointRouteBuilder routes, string path, string name, string contentType, bool forEverybody = false)
    {
        var file = new Lazy<(byte[] Bytes, EntityTagHeaderValue Tag)>(() => Read(name)); // a node that is asked for no page has no use for OpenSSL's 4 MB
        routes.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], context => Answer(context).ExecuteAsync(context)).ExcludeFromDescription();

        IResult Answer(HttpContext context)
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
            return TypedResults.Bytes(file.Value.Bytes, contentType, entityTag: file.Value.Tag);
        }
    }

    private static (byte[] Bytes, EntityTagHeaderValue Tag) Read(string name)
    {
        using var resource = typeof(PageFile).Assembly.GetManifestResourceStream($"page/{name}")!;
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return (bytes, new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 16))}\""));
    }
}
