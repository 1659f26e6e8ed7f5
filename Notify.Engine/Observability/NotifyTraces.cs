using System.Diagnostics;

namespace Notify.Engine.Observability;

/// <summary>
/// The activities of the source <c>Notify</c>: publish → append → dispatch. Without a listener the cost is one read of a field:
/// no activity is made and no context is kept.
/// </summary>
/// <remarks>
/// An append carries many publishes. It belongs to the trace of the first of them that is sampled, and links to the
/// others, so that a batch is one span and every publish leads to it.
/// </remarks>
internal static class NotifyTraces
{
    /// <summary>The source's name, for listeners.</summary>
    public const string SourceName = "Notify";

    /// <summary>As many links as exporters keep by default.</summary>
    private const int MaxLinks = 128;

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Whether any activity would be made.</summary>
    public static bool IsListenedTo => Source.HasListeners();

    /// <summary>The current trace context, for work that continues elsewhere; the default without a listener.</summary>
    public static ActivityContext Current => IsListenedTo ? Activity.Current?.Context ?? default : default;

    public static Activity? Publish(int notifications) =>
        Source.StartActivity("publish")?.SetTag("notify.notifications", notifications);

    public static Activity? Append<T>(T[] publishes, Func<T, ActivityContext> traceOf, Func<T, int> notificationsOf)
    {
        if (!IsListenedTo) return null;
        var sampled = publishes.Select(traceOf).Where(trace => trace.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)).Take(MaxLinks + 1).ToArray();
        return sampled.Length == 0
            ? null
            : Source.StartActivity("append", ActivityKind.Internal, sampled[0], links: sampled[1..].Select(trace => new ActivityLink(trace)))
                ?.SetTag("notify.notifications", publishes.Sum(notificationsOf));
    }

    /// <summary>Marks a span as failed, by OpenTelemetry's conventions: status Error and <c>error.type</c>.</summary>
    /// <param name="errorType">A code of the contract, or the name of an exception: of low cardinality, never a message.</param>
    public static void Fail(Activity? span, string errorType) => span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", errorType);

    /// <summary>One batch of changes of users, groups and subscriptions: of many callers, so it is a trace of its own.</summary>
    public static Activity? Changes(int changes) => Source.StartActivity("changes")?.SetTag("notify.changes", changes);

    /// <summary>A rule worked through.</summary>
    public static Activity? Rule(long group) => Source.StartActivity("rule")?.SetTag("notify.group", group);

    /// <summary>Of an append's entries to the sessions of this node. <paramref name="append"/> is the default for what was read from the log.</summary>
    public static Activity? Dispatch(ActivityContext append, long first, long last) =>
        append == default ? null : Source.StartActivity("dispatch", ActivityKind.Internal, append)?.SetTag("notify.first_version", first)
            .SetTag("notify.last_version", last);
}
