using System.Text.Json.Serialization;
using Notify.Contracts.Wire;

namespace Notify.Contracts.People;

/// <summary>The answer to <c>GET /api/v1/users/{user}/presence</c>.</summary>
public sealed record UserPresence
{
    /// <summary>The user has a connection on some node.</summary>
    public required bool Online { get; init; }

    /// <summary>The connections that there are.</summary>
    public required IReadOnlyList<PresentConnection> Connections { get; init; }

    /// <summary>When the last connection went; absent for a user that never had one.</summary>
    [JsonConverter(typeof(Rfc3339Converter))] public DateTimeOffset? LastSeenAt { get; init; }
}

/// <summary>The answer to <c>GET /api/v1/presence</c>: a page of the connections that follow a topic.</summary>
public sealed record TopicPresence
{
    /// <summary>The topic.</summary>
    public required string Topic { get; init; }

    /// <summary>How many people there are: users, and connections without a user.</summary>
    public required long Count { get; init; }

    /// <summary>The connections.</summary>
    public required IReadOnlyList<PresentConnection> Items { get; init; }

    /// <summary>The <c>after</c> of the next page; absent on the last.</summary>
    public string? Next { get; init; }

    /// <summary>True when a node did not answer in time; otherwise absent.</summary>
    public bool? Partial { get; init; }
}

/// <summary>A connection.</summary>
public sealed record PresentConnection
{
    /// <summary>Its user; absent for one without a user, and where the list is of one user.</summary>
    public string? User { get; init; }

    /// <summary>The device that it named.</summary>
    public string? Device { get; init; }

    /// <summary>Since when it is connected.</summary>
    [JsonConverter(typeof(Rfc3339Converter))] public required DateTimeOffset ConnectedAt { get; init; }
}

/// <summary>The answer to <c>GET /api/v1/stats</c>.</summary>
public sealed record ServiceStats
{
    /// <summary>The epoch of the log.</summary>
    public required string Epoch { get; init; }

    /// <summary>The last version of the log.</summary>
    public required long Head { get; init; }

    /// <summary>The oldest version that is kept.</summary>
    public required long Oldest { get; init; }

    /// <summary>How many topics there are.</summary>
    public required long Topics { get; init; }

    /// <summary>How many users are known.</summary>
    public required long Users { get; init; }

    /// <summary>How many connections there are on all nodes.</summary>
    public required long Connections { get; init; }

    /// <summary>The nodes.</summary>
    public required IReadOnlyList<NodeStats> Nodes { get; init; }
}

/// <summary>A node of the service.</summary>
public sealed record NodeStats
{
    /// <summary>Its name.</summary>
    public required string Node { get; init; }

    /// <summary>The version of the program.</summary>
    public required string Version { get; init; }

    /// <summary>Its connections.</summary>
    public required long Connections { get; init; }

    /// <summary>When it started.</summary>
    [JsonConverter(typeof(Rfc3339Converter))] public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The last version that it has delivered or passed over.</summary>
    public required long Head { get; init; }
}
