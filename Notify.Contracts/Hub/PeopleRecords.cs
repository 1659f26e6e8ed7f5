using System.Runtime.Serialization;
using System.Text.Json;

namespace Notify.Contracts.Hub;

/// <summary>"This device has everything up to here."</summary>
[DataContract]
public sealed record AckRequest
{
    /// <summary>A version that this connection was sent or has passed. Never goes back.</summary>
    [DataMember(Name = "version")] public long? Version { get; init; }
}

/// <summary>What the user says of itself: a JSON merge patch (RFC 7396).</summary>
[DataContract]
public sealed record SetAttributesRequest
{
    /// <summary>The patch: an object.</summary>
    [DataMember(Name = "attributes")] public JsonElement? Attributes { get; init; }
}

/// <summary>The answer to SetAttributes.</summary>
/// <param name="Attributes">All that the user says of itself.</param>
[DataContract]
public sealed record SetAttributesResult([property: DataMember(Name = "attributes")] JsonElement Attributes);

/// <summary>Groups to join or leave.</summary>
[DataContract]
public sealed record GroupsRequest
{
    /// <summary>Names of static groups that the caller may join.</summary>
    [DataMember(Name = "groups")] public IReadOnlyList<string>? Groups { get; init; }
}

/// <summary>The answer to JoinGroups and LeaveGroups.</summary>
/// <param name="Groups">The names of all groups that the user is a member of.</param>
[DataContract]
public sealed record GroupsResult([property: DataMember(Name = "groups")] IReadOnlyList<string> Groups);

/// <summary>What the user follows on every device; sent to all of the user's connections when it changes.</summary>
/// <param name="Topics">The durable subscriptions.</param>
/// <param name="Groups">The names of the groups that the user is a member of.</param>
[DataContract]
public sealed record SubscriptionsChanged(
    [property: DataMember(Name = "topics")] IReadOnlyList<string> Topics,
    [property: DataMember(Name = "groups")] IReadOnlyList<string> Groups);
