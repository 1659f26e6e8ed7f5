using System.Globalization;
using Microsoft.Extensions.Primitives;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Delivery.Sessions;
using Notify.Server.Api;
using Notify.Server.Hubs;

namespace Notify.Server.Streaming;

/// <summary><c>GET /stream</c>: a delivery session over Server-Sent Events, for clients that have nothing but HTTP.</summary>
internal sealed class StreamEndpoint(
    Resumption resumption, ConnectionLimit limit, Draining draining, SessionOpener open, SessionRegistry sessions, TimeProvider time)
{
    /// <summary>Proxies close what is silent for a minute or less.</summary>
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    /// <summary>Below <see cref="ApiPaths.Root"/>.</summary>
    internal const string Path = "/stream";

    internal static readonly string[] Parameters = ["filter", "since", "access_token"];

    public async Task GetAsync(HttpContext context, Caller caller)
    {
        var request = new ResumeRequest();
        var leaving = draining.IsDraining ? Draining.Leaving : null;
        if ((leaving ?? Read(context.Request, out request) ?? limit.Check(caller)) is { } problem)
        {
            await Problem.WriteAsync(context, problem);
            return;
        }

        using var sink = new ServerSentEventsSink(context, time);
        var id = $"stream:{context.TraceIdentifier}";
        var session = open(id, sink, caller.User);
        try
        {
            var (_, refusal) = await resumption.ResumeAsync(session, request, caller.User, context.RequestAborted);
            if (refusal is not null)
            {
                await Problem.WriteAsync(context, refusal);
                return;
            }

            await SendAsync(context, sink, session);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client went away: the ordinary end of a stream.
        }
        finally
        {
            sessions.Remove(id);
        }
    }

    private async Task SendAsync(HttpContext context, ServerSentEventsSink sink, DeliverySession session)
    {
        context.Response.ContentType = MediaTypes.EventStream;
        context.Response.Headers.CacheControl = "no-cache, no-store";
        context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold events back
        await context.Response.StartAsync(context.RequestAborted);
        await sink.KeepAliveAsync();
        session.Start();

        using var timer = new PeriodicTimer(KeepAlive, time);
        while (true)
        {
            var tick = timer.WaitForNextTickAsync(context.RequestAborted).AsTask();
            if (await Task.WhenAny(tick, sink.Closing) != tick) break;
            await tick; // the client left
            await sink.KeepAliveAsync();
        }

        await sink.EndAsync();
    }

    /// <summary><c>Last-Event-ID</c>, which browsers send when they come back, beats <c>since</c>; without either: from now.</summary>
    private static Refusal? Read(HttpRequest http, out ResumeRequest request)
    {
        request = new ResumeRequest();
        var number = http.Headers["Last-Event-ID"] is { Count: > 0 } last && last[0] is { Length: > 0 } ? last : http.Query["since"];
        long? since = null;
        if (!StringValues.IsNullOrEmpty(number))
        {
            if (number.Count != 1 || !long.TryParse(number[0], NumberStyles.None, CultureInfo.InvariantCulture, out var version))
                return Invalid("'since' and Last-Event-ID are one version: 0 or the number of the last notification you have.");
            since = version;
        }

        var filters = http.Query["filter"];
        if (filters.Count == 0) return Invalid("Say what to follow: '?filter=orders/%23'.");
        request = new ResumeRequest { Since = since, Topics = [.. filters.Select(f => f ?? "")] };
        return null;
    }

    private static Refusal Invalid(string detail) => new(ErrorCodes.InvalidRequest, detail);
}
