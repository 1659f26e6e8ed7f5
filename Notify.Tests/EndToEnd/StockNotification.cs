using System.Runtime.Serialization;

namespace Notify.Tests.EndToEnd;

// Written for the stock client from the contract alone: no type of ours, so that the tests also
// see that none is needed.

[DataContract]
public sealed record StockNotification
{
    [DataMember(Name = "version")] public long? Version { get; init; }
    [DataMember(Name = "id")] public string Id { get; init; } = "";
    [DataMember(Name = "topic")] public string Topic { get; init; } = "";
    [DataMember(Name = "topicSeq")] public long? TopicSeq { get; init; }
    [DataMember(Name = "title")] public string? Title { get; init; }
    [DataMember(Name = "body")] public string? Body { get; init; }

    /// <summary>A JsonElement, or what MessagePack makes of it: maps, arrays, texts, numbers.</summary>
    [DataMember(Name = "data")] public object? Data { get; init; }
    [DataMember(Name = "priority")] public string? Priority { get; init; }
    [DataMember(Name = "publishedAt")] public string PublishedAt { get; init; } = "";
    [DataMember(Name = "ephemeral")] public bool? Ephemeral { get; init; }
}

[DataContract]
public sealed record StockPlace
{
    [DataMember(Name = "head")] public long Head { get; init; }
    [DataMember(Name = "epoch")] public string Epoch { get; init; } = "";
    [DataMember(Name = "since")] public long Since { get; init; }
    [DataMember(Name = "topics")] public string[] Topics { get; init; } = [];
}

[DataContract]
public sealed record StockGap
{
    [DataMember(Name = "since")] public long Since { get; init; }
    [DataMember(Name = "oldest")] public long Oldest { get; init; }
    [DataMember(Name = "reason")] public string Reason { get; init; } = "";
}
