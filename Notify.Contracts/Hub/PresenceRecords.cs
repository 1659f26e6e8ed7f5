using System.Runtime.Serialization;

namespace Notify.Contracts.Hub;

/// <summary>Topics of which the connection wants to know how many people follow them, or no longer.</summary>
[DataContract]
public sealed record WatchPresenceRequest
{
    /// <summary>Names of topics, without wildcards.</summary>
    [DataMember(Name = "topics", IsRequired = true)] public IReadOnlyList<string>? Topics { get; init; }
}

/// <summary>The answer to WatchPresence and UnwatchPresence.</summary>
/// <param name="Topics">What is so now.</param>
[DataContract]
public sealed record WatchPresenceResult([property: DataMember(Name = "topics")] IReadOnlyList<PresenceCount> Topics);

/// <summary>The people that follow a topic.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Count">How many there are: users, and connections without a user.</param>
[DataContract]
public sealed record PresenceCount([property: DataMember(Name = "topic")] string Topic, [property: DataMember(Name = "count")] long Count)
{
    /// <summary>The users; absent above 100 people.</summary>
    [DataMember(Name = "users")] public IReadOnlyList<string>? Users { get; init; }
}

/// <summary>A user came to or left a watched topic, or only the number changed.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Count">How many people there are now.</param>
[DataContract]
public sealed record PresenceChanged([property: DataMember(Name = "topic")] string Topic, [property: DataMember(Name = "count")] long Count)
{
    /// <summary>The user that came or left; absent for a connection without a user, and above 100 people.</summary>
    [DataMember(Name = "user")] public string? User { get; init; }

    /// <summary><c>join</c> or <c>leave</c>; absent above 100 people.</summary>
    [DataMember(Name = "event")] public string? Event { get; init; }
}
