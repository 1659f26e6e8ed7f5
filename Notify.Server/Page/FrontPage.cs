using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;
using Scalar.AspNetCore;

namespace Notify.Server.Page;

/// <summary>
/// What the service's own process shows at <c>/</c>: in Development a page on which three clients follow and people publish, with the
/// API reference at <c>/docs</c>; elsewhere a statement of what runs here. All of it is embedded, so that it needs neither a build of
/// the page nor another host.
/// </summary>
internal static class FrontPage
{
    /// <summary>The API reference, in Development.</summary>
    internal const string Reference = "/docs";

    private const string Html = "text/html; charset=utf-8";
    private const string Css = "text/css; charset=utf-8";
    private const string JavaScript = "text/javascript; charset=utf-8";

    /// <summary>Serves the pages and the bundles of notify-js, outside the OpenAPI document.</summary>
    public static IEndpointRouteBuilder MapNotifyPage(this IEndpointRouteBuilder routes, string openApi)
    {
        // For pages of other origins too: a module script is fetched with CORS.
        routes.MapPageFile("/notify.js", "notify.js", JavaScript, forEverybody: true);
        routes.MapPageFile("/notify-inbox.js", "notify-inbox.js", JavaScript, forEverybody: true);
        if (!routes.ServiceProvider.GetRequiredService<IOptions<NotifyOptions>>().Value.FrontPage) return routes;

        routes.MapPageFile("/start.css", "start.css", Css);
        if (!routes.ServiceProvider.GetRequiredService<IHostEnvironment>().IsDevelopment())
        {
            routes.MapPageFile("/", "statement.html", Html);
            return routes;
        }

        routes.MapPageFile("/", "start.html", Html);
        routes.MapPageFile("/start.js", "start.js", JavaScript);
        routes.MapPageFile("/pane.html", "pane.html", Html);
        routes.MapPageFile("/pane.js", "pane.js", JavaScript);

        // The example with the stock client.
        routes.MapPageFile("/plain-signalr.html", "index.html", Html);
        routes.MapPageFile("/page.css", "page.css", Css);
        routes.MapPageFile("/page.js", "page.js", JavaScript);
        routes.MapPageFile("/signalr.min.js", "signalr.min.js", JavaScript);

        routes.MapReference(openApi);
        return routes;
    }

    // Scalar comes with all that it needs, and asks no other host unless told to: its fonts, its agent and its counting of uses are off, and
    // the policy keeps them off.
    private static void MapReference(this IEndpointRouteBuilder routes, string openApi) =>
        routes.MapScalarApiReference(Reference, (options, context) =>
        {
            options.Nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
            context.Response.Headers.ContentSecurityPolicy =
                $"default-src 'self'; script-src 'self' 'nonce-{options.Nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src " +
                    "'self' data:; "
                + "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
            context.Response.Headers.XContentTypeOptions = "nosniff";
            options.WithTitle("Notify API").WithOpenApiRoutePattern(openApi).DisableDefaultFonts().DisableTelemetry().DisableAgent().DisableMcp()
                .HideDeveloperTools();
        });
}
