using System.Net;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Configuration;
using Notify.Server.Api;

namespace Notify.Server.Security;

/// <summary>
/// Lets browsers in from the own origin and from <c>Notify:AllowedOrigins</c>, and answers CORS for the latter.
/// It is part of our endpoints, not of the pipeline: CORS middleware does not stop WebSockets (every page of the web
/// could open one to a service on the reader's machine), and a host's other endpoints keep their own rules.
/// </summary>
internal sealed class OriginGate
{
    private static readonly TimeSpan PreflightMaxAge = TimeSpan.FromMinutes(10);
    private static readonly Refusal Forbidden = new(
        ErrorCodes.Forbidden,
        "Pages of this origin may not call the service. Add the origin to Notify:AllowedOrigins.");

    private readonly ICorsService _cors;
    private readonly CorsPolicy _policy;
    private readonly bool _loopbackOnly;

    public OriginGate(ICorsService cors, IOptions<NotifyOptions> options, IHostEnvironment environment)
    {
        _cors = cors;
        _loopbackOnly = environment.IsDevelopment();
        _policy = new CorsPolicyBuilder([.. options.Value.AllowedOrigins])
            .AllowAnyHeader()
            .AllowAnyMethod()
            .AllowCredentials() // SignalR's JavaScript client asks with credentials
            .WithExposedHeaders("Location", "Idempotency-Replayed", "Retry-After")
            .SetPreflightMaxAge(PreflightMaxAge)
            .Build();
    }

    public Task RunAsync(HttpContext context, RequestDelegate next)
    {
        var origin = context.Request.Headers.Origin.ToString();
        if (IsOwn(context.Request, origin)) return next(context);
        if (!_policy.IsOriginAllowed(origin)) return Problem.WriteAsync(context, Forbidden);

        var answer = _cors.EvaluatePolicy(context, _policy);
        _cors.ApplyResult(answer, context.Response);
        if (!answer.IsPreflightRequest) return next(context);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    // In Development nobody needs a token: a page whose name was made to point at 127.0.0.1 (DNS rebinding) has "its
    // own" origin too, so there the name must be a loopback one.
    private bool IsOwn(HttpRequest request, string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var theirs)
        && Uri.TryCreate($"{request.Scheme}://{request.Host.Value}", UriKind.Absolute, out var own)
        && string.Equals(theirs.GetLeftPart(UriPartial.Authority), own.GetLeftPart(UriPartial.Authority), StringComparison.OrdinalIgnoreCase)
        && (!_loopbackOnly || own.IsLoopback || own.Host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(own.Host, out _));
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
