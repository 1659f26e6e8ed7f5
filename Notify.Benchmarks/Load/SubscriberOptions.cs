using System.Globalization;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Wire;

namespace Notify.Benchmarks.Load;

/// <summary>What a subscriber process does.</summary>
internal sealed record SubscriberOptions
{
    public required PeerKind Peer { get; init; }
    public required int Port { get; init; }
    public int Connections { get; init; } = 1;

    /// <summary>Connection i follows topic i modulo this, counted from <see cref="FirstTopic"/>.</summary>
    public int Topics { get; init; } = 1;
    public int FirstTopic { get; init; }
    public string Protocol { get; init; } = "json";

    /// <summary>All connections follow all topics of the run, and see every version.</summary>
    public bool FollowsAll { get; init; }

    /// <summary>Filters beside it on each connection that nothing published matches.</summary>
    public int OtherFilters { get; init; }

    /// <summary>The version that the clients have; −1: from now.</summary>
    public long Since { get; init; } = -1;

    /// <summary>Connection i is the user of this name and its number, and follows what is the user's alone; empty: no user.</summary>
    public string Users { get; init; } = "";

    /// <summary>What the users' tokens are signed with; empty: the user is named in the path, which a server in Development takes.</summary>
    public string SigningKey { get; init; } = "";

    /// <summary>User i follows room i modulo this; 0: no rooms.</summary>
    public int Rooms { get; init; }

    /// <summary>Connections that are being made at a time.</summary>
    public int Window { get; init; } = 64;

    public HubWire Wire => HubWire.Named(Protocol);

    /// <summary>What is published is all followed by each connection: its versions must be without a hole.</summary>
    public bool IsGapless => Users.Length == 0 && (FollowsAll || Topics == 1);

    public string TopicOf(int connection) => LoadTopics.Name(FirstTopic + (connection % Topics));

    public string[] FiltersOf(int connection) => Users.Length > 0 ? (Rooms == 0 ? [] : [LoadTopics.Room(connection % Rooms)]) :
        [FollowsAll ? LoadTopics.All : TopicOf(connection), .. Enumerable.Range(0, OtherFilters).Select(i => LoadTopics.NeverPublished(connection, i))];

    public string PathOf(int connection)
    {
        if (Peer == PeerKind.Raw) return "/ws?topic=" + TopicOf(connection);
        if (Users.Length == 0) return "/hubs/notifications";
        var user = Users + Text(connection);
        return SigningKey.Length == 0 ? $"/hubs/notifications?user={user}"
            : $"/hubs/notifications?access_token={SignedToken.Of(SigningKey, $$"""{"sub":"{{user}}","notify_subscribe":"#",""")}";
    }

    public static SubscriberOptions Of(Arguments line) => new()
    {
        Peer = Enum.Parse<PeerKind>(line.Text("peer", nameof(PeerKind.Notify))),
        Port = line.Number("port", 5080),
        Connections = line.Number("connections", 1),
        Topics = line.Number("topics", 1),
        FirstTopic = line.Number("first-topic", 0),
        Protocol = line.Text("protocol", "json"),
        Since = long.Parse(line.Text("since", "-1"), CultureInfo.InvariantCulture),
        Window = line.Number("window", 64),
        FollowsAll = line.Flag("all"),
        OtherFilters = line.Number("other-filters", 0),
        Users = line.Text("users", ""),
        SigningKey = line.Text("signing-key", ""),
        Rooms = line.Number("rooms", 0),
    };

    public string[] ToArguments() =>
    [
        "subscriber", "--peer", Peer.ToString(), "--port", Text(Port), "--connections", Text(Connections), "--topics", Text(Topics),
        "--protocol", Protocol, "--since", Text(Since), "--window", Text(Window),
        "--first-topic", Text(FirstTopic), "--other-filters", Text(OtherFilters), "--rooms", Text(Rooms),
        .. FollowsAll ? (string[])["--all"] : [], .. Users.Length > 0 ? (string[])["--users", Users] : [],
        .. SigningKey.Length > 0 ? (string[])["--signing-key", SigningKey] : [],
    ];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
