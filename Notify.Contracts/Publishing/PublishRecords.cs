using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Notify.Contracts.Wire;

namespace Notify.Contracts.Publishing;

/// <summary>One notification to publish: one address, and at least one of title, body and data.</summary>
[DataContract]
public sealed record PublishRequest
{
    /// <summary>The topic to publish to; or else give <c>group</c> or <c>user</c>.</summary>
    [DataMember(Name = "topic")] public string? Topic { get; init; }

    /// <summary>The group to publish to. It may get members later.</summary>
    [DataMember(Name = "group")] public string? Group { get; init; }

    /// <summary>The user to publish to.</summary>
    [DataMember(Name = "user")] public string? User { get; init; }

    /// <inheritdoc cref="Notification.Type"/>
    [DataMember(Name = "type")] public string? Type { get; init; }

    /// <inheritdoc cref="Notification.Title"/>
    [DataMember(Name = "title")] public string? Title { get; init; }

    /// <inheritdoc cref="Notification.Body"/>
    [DataMember(Name = "body")] public string? Body { get; init; }

    /// <inheritdoc cref="Notification.Data"/>
    [DataMember(Name = "data")] public JsonElement? Data { get; init; }

    /// <summary><c>low</c>, <c>normal</c>, <c>high</c> or <c>urgent</c> (<c>Priorities</c>); absent: normal.</summary>
    [DataMember(Name = "priority")] public string? Priority { get; init; }

    /// <inheritdoc cref="Notification.Tags"/>
    [DataMember(Name = "tags")] public IReadOnlyList<string>? Tags { get; init; }

    /// <inheritdoc cref="Notification.Link"/>
    [DataMember(Name = "link")] public string? Link { get; init; }

    /// <summary>Seconds until it expires, at least 1; absent: it lives as long as retention keeps it.</summary>
    [DataMember(Name = "ttlSeconds")] public long? TtlSeconds { get; init; }

    /// <summary>Send it to live connections and do not store it.</summary>
    [DataMember(Name = "ephemeral")] public bool? Ephemeral { get; init; }

    /// <summary>A repeat under the same key gets the first answer; 1–255 characters, kept at least 24 hours.</summary>
    [DataMember(Name = "idempotencyKey")] public string? IdempotencyKey { get; init; }
}

/// <summary>Several notifications to publish: the valid ones are stored together although others are refused.</summary>
[DataContract]
public sealed record BatchPublishRequest
{
    /// <summary>1 to <c>Notify:Limits:BatchSize</c> of them.</summary>
    [DataMember(Name = "notifications")] public IReadOnlyList<PublishRequest>? Notifications { get; init; }
}

/// <summary>A published notification's place.</summary>
[DataContract]
public sealed record PublishResult
{
    /// <summary>Its identity.</summary>
    [DataMember(Name = "id")] public required Guid Id { get; init; }

    /// <summary>Its place in the log; absent on an ephemeral one.</summary>
    [DataMember(Name = "version")] public long? Version { get; init; }

    /// <summary>Where it was published.</summary>
    [DataMember(Name = "topic")] public required string Topic { get; init; }

    /// <summary>When, by the database's clock.</summary>
    [DataMember(Name = "publishedAt")]
    [JsonConverter(typeof(Rfc3339Converter))]
    public required DateTimeOffset PublishedAt { get; init; }
}

/// <summary>The answers to a batch, in its order.</summary>
/// <param name="Results">One for each notification of the request.</param>
[DataContract]
public sealed record BatchPublishResult([property: DataMember(Name = "results")] IReadOnlyList<BatchItemResult> Results);

/// <summary>What became of one notification of a batch.</summary>
[DataContract]
public sealed record BatchItemResult
{
    /// <summary>The HTTP status that the notification alone would have had: 201, 200 for a repeat, 202 ephemeral, else a refusal's.</summary>
    [DataMember(Name = "status")] public required int Status { get; init; }

    /// <inheritdoc cref="PublishResult.Id"/>
    [DataMember(Name = "id")] public Guid? Id { get; init; }

    /// <inheritdoc cref="PublishResult.Version"/>
    [DataMember(Name = "version")] public long? Version { get; init; }

    /// <inheritdoc cref="PublishResult.Topic"/>
    [DataMember(Name = "topic")] public string? Topic { get; init; }

    /// <inheritdoc cref="PublishResult.PublishedAt"/>
    [DataMember(Name = "publishedAt")]
    [JsonConverter(typeof(Rfc3339Converter))]
    public DateTimeOffset? PublishedAt { get; init; }

    /// <summary>For a refused one: its stable code (<c>ErrorCodes</c>).</summary>
    [DataMember(Name = "code")] public string? Code { get; init; }

    /// <summary>For a refused one: what to do.</summary>
    [DataMember(Name = "detail")] public string? Detail { get; init; }
}
