using System.Net;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Cluster;
using Notify.Engine.Configuration;
using Notify.Server.Api;
using Notify.Server.Authentication;
using Notify.Server.Configuration;
using Notify.Server.Connections;

namespace Notify.Server.Security;

/// <summary>
/// Lets browsers in from the own origin and from <c>Notify:AllowedOrigins</c>, and answers CORS for the latter.
/// It is part of our endpoints, not of the pipeline: CORS middleware does not stop WebSockets (every page of the web
/// could open one to a service on the reader's machine), and a host's other endpoints keep their own rules.
/// </summary>
internal sealed partial class OriginGate
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PreflightMaxAge = TimeSpan.FromMinutes(10);
    private static readonly Refusal Forbidden = new(
        ErrorCodes.Forbidden,
        "Pages of this origin may not call the service. Add the origin to Notify:AllowedOrigins.");

    private readonly CorsService _cors;
    private readonly CorsPolicy _policy;
    private readonly bool _isDevelopment;
    private readonly CurrentAccessMode _accessMode;
    private readonly ConnectionMetrics _metrics;
    private readonly int _allowed;
    private readonly Occasionally _log;
    private readonly ILogger<OriginGate> _logger;

    public OriginGate(IOptions<NotifyOptions> options, IHostEnvironment environment, CurrentAccessMode accessMode, ConnectionMetrics metrics,
        TimeProvider time, ILogger<OriginGate> logger, ILoggerFactory loggers)
    {
        _cors = new CorsService(Options.Create(new CorsOptions()), loggers); // its evaluation only, and not what an app may have put in its place
        _accessMode = accessMode;
        _metrics = metrics;
        _isDevelopment = environment.IsDevelopment() && (!options.Value.Auth.Embedded || options.Value.Auth.OpenInDevelopment);
        _allowed = options.Value.AllowedOrigins.Count;
        (_log, _logger) = (new Occasionally(time, LogInterval), logger);
        var allowed = options.Value.AllowedOrigins.ToHashSet(StringComparer.Ordinal);
        _policy = new CorsPolicyBuilder()
            .SetIsOriginAllowed(origin => allowed.Contains(origin) || (_isDevelopment && IsOfThisMachine(origin)))
            .AllowAnyHeader()
            .AllowAnyMethod()
            .AllowCredentials() // SignalR's JavaScript client asks with credentials
            .WithExposedHeaders("Location", "Idempotency-Replayed", "Retry-After", "WWW-Authenticate", "RateLimit", "RateLimit-Policy")
            .SetPreflightMaxAge(PreflightMaxAge)
            .Build();
    }

    public Task RunAsync(HttpContext context, RequestDelegate next)
    {
        var origin = context.Request.Headers.Origin.ToString();
        if (IsOwn(context.Request, origin)) return next(context);
        if (!_policy.IsOriginAllowed(origin))
        {
            _metrics.Refused(ConnectionMetrics.Origin);
            LogRefused(context.Request, origin);
            return Problem.WriteAsync(context, Forbidden);
        }

        var answer = _cors.EvaluatePolicy(context, _policy);
        _cors.ApplyResult(answer, context.Response);
        if (!answer.IsPreflightRequest) return next(context);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    // In Development a page of this machine, on whatever port a tool serves it, is the developer's own.
    private static bool IsOfThisMachine(string origin) => OriginRule.TryNormalise(origin, out _) && IsLoopback(new Uri(origin));

    private static bool IsLoopback(Uri address) => address.IsLoopback || address.Host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase);

    // The browser says it to its console alone, and CORS tells the page nothing. The origin is printed as it was understood, never as it came.
    private void LogRefused(HttpRequest request, string origin)
    {
        if (!_log.Now(out var passedOver)) return;
        if (!OriginRule.TryNormalise(origin, out var theirs)) Log.RefusedNone(_logger, passedOver);
        else if (request.Host.HasValue && theirs == $"https://{request.Host.Value}" && !request.IsHttps) Log.RefusedOwn(_logger, theirs, passedOver);
        else Log.Refused(_logger, theirs, _allowed, theirs, theirs, passedOver);
    }

    // In open Development no token is needed: a page whose name was made to point at 127.0.0.1 (DNS rebinding) has "its
    // own" origin too, so there the name must be a loopback one.
    private bool IsOwn(HttpRequest request, string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var theirs)
        && Uri.TryCreate($"{request.Scheme}://{request.Host.Value}", UriKind.Absolute, out var own)
        && string.Equals(theirs.GetLeftPart(UriPartial.Authority), own.GetLeftPart(UriPartial.Authority), StringComparison.OrdinalIgnoreCase)
        && (_accessMode.Now != AccessMode.Development || IsLoopback(own) || IPAddress.TryParse(own.Host, out _));

    private static partial class Log
    {
        [LoggerMessage(6110, LogLevel.Warning,
            "A page of {Origin} was refused: it is neither this service's own origin nor in Notify:AllowedOrigins. If it may call the service, add it: " +
            "Notify__AllowedOrigins__{Next}={Example} as a variable, or \"AllowedOrigins\": [\"{InFile}\"] below \"Notify\" in appsettings.json " +
            "({PassedOver} more were refused since this was last said).")]
        public static partial void Refused(ILogger logger, string origin, int next, string example, string inFile, long passedOver);

        [LoggerMessage(6111, LogLevel.Warning,
            "A page of {Origin} was refused, although that is this service's own host: a proxy ends TLS in front of it, and the service does not know. Let " +
            "the proxy send X-Forwarded-Proto, and set ASPNETCORE_FORWARDEDHEADERS_ENABLED=true ({PassedOver} more were refused since this was last said).")]
        public static partial void RefusedOwn(ILogger logger, string origin, long passedOver);

        [LoggerMessage(6112, LogLevel.Warning,
            "A page without an origin of its own (a file, a sandboxed frame) was refused. Serve it from an address, and add that to Notify:AllowedOrigins, " +
            "such as Notify__AllowedOrigins__0=https://shop.example ({PassedOver} more were refused since this was last said).")]
        public static partial void RefusedNone(ILogger logger, long passedOver);
    }
}

/// <summary>Puts the <see cref="OriginGate"/> before endpoints.</summary>
internal static class OriginGateConvention
{
    /// <summary>Requests with a foreign <c>Origin</c> get 403, WebSocket upgrades too.</summary>
    public static TBuilder RequireAllowedOrigin<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint =>
        {
            if (endpoint.RequestDelegate is not { } next) return;
            var gate = endpoint.ApplicationServices.GetRequiredService<OriginGate>();
            endpoint.RequestDelegate = context => context.Request.Headers.Origin.Count == 0 ? next(context) : gate.RunAsync(context, next);
        });
        return builder;
    }
}
