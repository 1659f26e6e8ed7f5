using System.Globalization;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Wire;

namespace Notify.Benchmarks.Load;

internal enum PublishBy
{
    /// <summary>One POST a notification.</summary>
    Post,

    /// <summary>POST of many.</summary>
    Batch,

    /// <summary>The hub's Publish.</summary>
    Hub,
}

/// <summary>What a publisher process does.</summary>
internal sealed record PublisherOptions
{
    public required PeerKind Peer { get; init; }
    public required int Port { get; init; }

    /// <summary>Closed loops: each has one request under way.</summary>
    public int Connections { get; init; } = 64;
    public int Topics { get; init; } = 1;
    public int FirstTopic { get; init; }
    public PublishBy By { get; init; }

    /// <summary>Notifications in a batch call.</summary>
    public int Batch { get; init; } = 1;
    public string Protocol { get; init; } = "json";
    public int BodyBytes { get; init; } = 256;

    /// <summary>Shown as the bearer with each POST; empty: none.</summary>
    public string Bearer { get; init; } = "";

    public HubWire Wire => HubWire.Named(Protocol);

    public static PublisherOptions Of(Arguments line) => new()
    {
        Peer = Enum.Parse<PeerKind>(line.Text("peer", nameof(PeerKind.Notify))),
        Port = line.Number("port", 5080),
        Connections = line.Number("connections", 64),
        Topics = line.Number("topics", 1),
        FirstTopic = line.Number("first-topic", 0),
        By = Enum.Parse<PublishBy>(line.Text("by", nameof(PublishBy.Post))),
        Batch = line.Number("batch", 1),
        Protocol = line.Text("protocol", "json"),
        BodyBytes = line.Number("body", 256),
        Bearer = line.Text("bearer", ""),
    };

    public string[] ToArguments() =>
    [
        "publisher", "--peer", Peer.ToString(), "--port", Text(Port), "--connections", Text(Connections), "--topics", Text(Topics),
        "--by", By.ToString(), "--batch", Text(Batch), "--protocol", Protocol, "--body", Text(BodyBytes), "--first-topic", Text(FirstTopic),
            .. Bearer.Length > 0 ? (string[])["--bearer", Bearer] : [],
    ];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What was acknowledged in a run.</summary>
/// <param name="Acked">Notifications.</param>
/// <param name="Seconds">From the first request to the last answer.</param>
/// <param name="Latency">Request to answer.</param>
internal sealed record PublisherReport(long Acked, long Refused, double Seconds, long FirstVersion, long LastVersion, LatencySummary? Latency,
    string? Problems);
