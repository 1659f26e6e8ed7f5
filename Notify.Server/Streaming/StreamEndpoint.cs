using System.Globalization;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory;
using Notify.Server.Api;
using Notify.Server.Authentication;
using Notify.Server.Http;
using Notify.Server.Hubs;

namespace Notify.Server.Streaming;

/// <summary><c>GET /stream</c>: a delivery session over Server-Sent Events, for clients that have nothing but HTTP.</summary>
internal sealed class StreamEndpoint(
    Resumption resumption, FilterReader filterReader, ConnectionLimit limit, Draining draining, SessionOpener open, SessionRegistry sessions, LiveCallers live,
        OwnChanges own, TimeProvider time)
{
    /// <summary>Proxies close what is silent for a minute or less.</summary>
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    /// <summary>Below <see cref="ApiPaths.Root"/>.</summary>
    internal const string Path = "/stream";

    internal static readonly string[] Parameters = [QueryFilters.Parameter, "since", ShownCredential.QueryParameter];

    public async Task GetAsync(HttpContext context, Caller caller)
    {
        var request = new ResumeRequest();
        if ((draining.Check() ?? Read(context.Request, caller, out request) ?? limit.Check(caller)) is { } problem)
        {
            await StreamRefusal.WriteAsync(context, problem);
            return;
        }

        if (HttpMethods.IsHead(context.Request.Method))
        {
            StreamRefusal.WriteHead(context.Response);
            return;
        }

        using var sink = new ServerSentEventsSink(context, time);
        var id = $"stream:{context.TraceIdentifier}";
        var session = open(id, sink, caller.User, caller.Device);
        try
        {
            if (!live.TryAdd(id, new LiveCaller(caller, session))) sink.CloseForReconnect(); // its credential ended while it connected
            await own.TakeClaimsAsync(caller);
            var (_, refusal) = await resumption.ResumeAsync(session, request, SessionAccess.Of(caller), context.RequestAborted);
            if (refusal is not null)
            {
                await StreamRefusal.WriteAsync(context, refusal);
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
            live.Remove(id);
            sessions.Remove(id);
        }
    }

    private async Task SendAsync(HttpContext context, ServerSentEventsSink sink, DeliverySession session)
    {
        StreamRefusal.WriteHead(context.Response);
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
    private Refusal? Read(HttpRequest http, Caller caller, out ResumeRequest request)
    {
        request = new ResumeRequest();
        var number = http.Headers["Last-Event-ID"] is { Count: > 0 } last && last[0] is { Length: > 0 } ? last : http.Query["since"];
        long? since = null;
        if (number.Count > 0)
        {
            if (number.Count != 1 || !long.TryParse(number[0], NumberStyles.None, CultureInfo.InvariantCulture, out var version))
                return Invalid("'since' and Last-Event-ID are one version: 0 or the number of the last notification you have.");
            since = version;
        }

        var topics = QueryFilters.Read(http);
        if (topics.Count == 0 && caller.User is null) return Invalid("Say what to follow: '?filter=orders/%23'. Only a user's own topic comes unasked.");
        request = new ResumeRequest { Since = since, Topics = topics };
        return filterReader.Read(topics, out _); // before the answer of HEAD too
    }

    private static Refusal Invalid(string detail) => new(ErrorCodes.InvalidRequest, detail);
}
