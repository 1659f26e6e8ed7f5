using Microsoft.AspNetCore.Http.Features;
using Notify.Contracts;
using Notify.Engine;

namespace Notify.Server.Api;

/// <summary>
/// The topic in <c>/topics/{topic…}</c>: what was routed, percent-decoded once. Routing sees a path in which the server has
/// decoded everything but <c>%2F</c>, so that <c>a%2Fb</c> and <c>a%252Fb</c> are the same there. The request line tells
/// them apart, and is believed only where it says what was routed: whatever stands before or after the topic in it (a
/// query, dot segments, a proxy's prefix) never becomes one.
/// </summary>
internal static class TopicPath
{
    /// <summary>The name of the catch-all in the route.</summary>
    internal const string RouteValue = "topic";

    private static readonly Refusal Broken =
        new(ErrorCodes.InvalidTopic, "The topic in the path is not percent-encoded UTF-8. For unusual topics use POST /api/v1/notifications.");

    public static Refusal? Read(HttpRequest request, out string topic)
    {
        var routed = request.RouteValues[RouteValue] as string ?? "";
        topic = "";
        if (FromRequestLine(request, routed) is { } raw && PercentEncoding.TryDecode(raw, out topic)) return null;
        if (routed.Contains('%', StringComparison.Ordinal)) return Broken;

        topic = routed; // a host has rewritten the path
        return null;
    }

    /// <summary>The end of the request line's path, still encoded, that was routed as the topic; null when it has none.</summary>
    private static string? FromRequestLine(HttpRequest request, string routed)
    {
        var target = request.HttpContext.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var query = target.IndexOf('?', StringComparison.Ordinal);
        if (query >= 0) target = target[..query];

        var wanted = routed.Split('/');
        var kept = WithoutDotSegments(target);
        if (kept.Count < wanted.Length) return null;
        kept.RemoveRange(0, kept.Count - wanted.Length);
        return kept.Zip(wanted).All(pair => AsRouted(pair.First) == pair.Second) ? string.Join('/', kept) : null;
    }

    /// <summary>RFC 3986 §5.2.4, as the server does it: after decoding, so that <c>%2e</c> is a dot too.</summary>
    private static List<string> WithoutDotSegments(string path)
    {
        var kept = new List<string>();
        var segments = path.Split('/');
        for (var i = 0; i < segments.Length; i++)
        {
            var dots = AsRouted(segments[i]);
            if (dots is not ("." or ".."))
            {
                kept.Add(segments[i]);
                continue;
            }

            if (dots == ".." && kept.Count > 1) kept.RemoveAt(kept.Count - 1);
            if (i == segments.Length - 1) kept.Add(""); // "a/.." is "": the slash stays
        }

        return kept;
    }

    /// <summary>A segment as routing sees it: decoded, but for <c>%2F</c>.</summary>
    private static string? AsRouted(string segment)
    {
        if (!segment.Contains('%', StringComparison.Ordinal)) return segment;
        segment = segment.Replace("%2F", "%252F", StringComparison.Ordinal).Replace("%2f", "%252f", StringComparison.Ordinal);
        return PercentEncoding.TryDecode(segment, out var text) ? text : null;
    }
}
