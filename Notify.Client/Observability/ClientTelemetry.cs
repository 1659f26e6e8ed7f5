using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using Notify.Contracts;

namespace Notify.Client.Observability;

/// <summary>Spans and numbers of the client by OpenTelemetry's conventions for messaging: source and meter are both <c>Notify.Client</c>.</summary>
internal static class ClientTelemetry
{
    private const string System = "notify";

    private static readonly string? Version =
        typeof(ClientTelemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
    private static readonly ActivitySource Source = new(NotifyTelemetry.Name, Version);
    private static readonly Meter Meter = new(NotifyTelemetry.Name, Version);
    private static readonly Counter<long> Sent =
        Meter.CreateCounter<long>("messaging.client.sent.messages", "{message}", "Notifications that the publisher tried to send.");
    private static readonly Counter<long> Consumed =
        Meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Notifications that were handed to the reader or to handlers.");
    private static readonly Histogram<double> Operation =
        Meter.CreateHistogram<double>("messaging.client.operation.duration", "s", "How long a publish took, with its repeats.");
    private static readonly Histogram<double> Handling =
        Meter.CreateHistogram<double>("messaging.process.duration", "s", "How long a handler took, with its repeats.");

    /// <summary>Failed attempts to connect and lost connections.</summary>
    public static Counter<long> Reconnects { get; } =
        Meter.CreateCounter<long>("notify.client.connection.failures", "{failure}", "Attempts to connect that failed, and connections that were lost.");

    public static void Handed() => Consumed.Add(1, new KeyValuePair<string, object?>("messaging.system", System), new("messaging.operation.name", "process"));

    public static Activity? Process(Notification notification)
    {
        if (Source.StartActivity($"process {Group(notification.Topic)}", ActivityKind.Consumer) is not { } activity) return null;
        activity.SetTag("messaging.system", System).SetTag("messaging.operation.name", "process").SetTag("messaging.operation.type", "process");
        activity.SetTag("messaging.destination.name", notification.Topic).SetTag("messaging.message.id", notification.Id.ToString());
        return activity;
    }

    public static void Processed(Activity? activity, long began, string? error)
    {
        Handling.Record(Seconds(began), Tags("process", error));
        Fail(activity, error);
    }

    public static Activity? Publish(string? topic, int count)
    {
        if (Source.StartActivity(topic is null ? "publish" : $"publish {Group(topic)}", ActivityKind.Producer) is not { } activity) return null;
        activity.SetTag("messaging.system", System).SetTag("messaging.operation.name", "publish").SetTag("messaging.operation.type", "send");
        if (topic is not null) activity.SetTag("messaging.destination.name", topic);
        if (count > 1) activity.SetTag("messaging.batch.message_count", count);
        return activity;
    }

    public static void Published(Activity? activity, long began, int count, string? error)
    {
        var tags = Tags("publish", error);
        Sent.Add(count, tags);
        Operation.Record(Seconds(began), tags);
        Fail(activity, error);
    }

    private static TagList Tags(string operation, string? error)
    {
        var tags = new TagList { { "messaging.system", System }, { "messaging.operation.name", operation } };
        if (error is not null) tags.Add("error.type", error);
        return tags;
    }

    private static void Fail(Activity? activity, string? error)
    {
        if (error is not null) activity?.SetTag("error.type", error).SetStatus(ActivityStatusCode.Error);
    }

    // A span's name has few values: topics end in ids.
    private static string Group(string topic) => topic.IndexOf('/') is > 0 and var slash ? topic.Substring(0, slash) : topic;

    private static double Seconds(long began) => (Stopwatch.GetTimestamp() - began) / (double)Stopwatch.Frequency;
}
