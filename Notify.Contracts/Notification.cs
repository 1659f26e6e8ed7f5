using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Notify.Contracts.Wire;

namespace Notify.Contracts;

/// <summary>A notification as clients see it.</summary>
[DataContract]
public sealed record Notification
{
    /// <summary>Its place in the log, gapless over all topics and below 2^53; absent on an ephemeral one.</summary>
    [DataMember(Name = "version")] public long? Version { get; init; }

    /// <summary>Its identity, a UUIDv7.</summary>
    [DataMember(Name = "id")] public required Guid Id { get; init; }

    /// <summary>Where it was published.</summary>
    [DataMember(Name = "topic")] public required string Topic { get; init; }

    /// <summary>Its place in its topic, gapless from 1; absent on an ephemeral one.</summary>
    [DataMember(Name = "topicSeq")] public long? TopicSeq { get; init; }

    /// <summary>The publisher's name for its kind, such as <c>order.created</c>.</summary>
    [DataMember(Name = "type")] public string? Type { get; init; }

    /// <summary>One line for a person.</summary>
    [DataMember(Name = "title")] public string? Title { get; init; }

    /// <summary>Text for a person.</summary>
    [DataMember(Name = "body")] public string? Body { get; init; }

    /// <summary>Any JSON for a program, as it was sent.</summary>
    [DataMember(Name = "data")] public JsonElement? Data { get; init; }

    /// <summary><c>low</c>, <c>normal</c>, <c>high</c> or <c>urgent</c> (<c>Priorities</c>).</summary>
    [DataMember(Name = "priority")]
    public string Priority
    {
        // Not an initializer: generated readers set every member that has init, with null where it is absent.
        get => field ?? Priorities.Normal;
        init;
    }

    /// <summary>The publisher's labels.</summary>
    [DataMember(Name = "tags")] public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Where a person goes from here: http, https or a relative reference.</summary>
    [DataMember(Name = "link")] public string? Link { get; init; }

    /// <summary>The publisher: the token's subject or the key's name; absent for anonymous publishers.</summary>
    [DataMember(Name = "publisher")] public string? Publisher { get; init; }

    /// <summary>When it was stored, by the database's clock. The order is that of <c>version</c>, never of this.</summary>
    [DataMember(Name = "publishedAt")]
    [JsonConverter(typeof(Rfc3339Converter))]
    public required DateTimeOffset PublishedAt { get; init; }

    /// <summary>When it stops being delivered, replayed and listed; absent: with retention.</summary>
    [DataMember(Name = "expiresAt")]
    [JsonConverter(typeof(Rfc3339Converter))]
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>True on an ephemeral notification, sent to live connections and not stored; absent otherwise.</summary>
    [DataMember(Name = "ephemeral")] public bool? Ephemeral { get; init; }
}

/// <summary>How urgent a notification is.</summary>
public static class Priorities
{
    /// <summary>May wait.</summary>
    public const string Low = "low";

    /// <summary>The default.</summary>
    public const string Normal = "normal";

    /// <summary>Before others.</summary>
    public const string High = "high";

    /// <summary>Now.</summary>
    public const string Urgent = "urgent";

    /// <summary>True for one of the four.</summary>
    public static bool IsKnown(string priority) => priority is Low or Normal or High or Urgent;
}
