using System.Runtime.Serialization;
using Notify.Contracts.Hub;

namespace Notify.Contracts;

/// <summary>The answer to <c>GET /api/v1/notifications</c>.</summary>
[DataContract]
public sealed record NotificationPage
{
    /// <summary>Oldest first; with <c>order=desc</c> newest first.</summary>
    [DataMember(Name = "items")] public required IReadOnlyList<Notification> Items { get; init; }

    /// <summary>
    /// The last version examined: the <c>since</c> of the next page. The end is where it equals <c>head</c>.
    /// With <c>order=desc</c> the <c>before</c> of the next page, and absent at the end.
    /// </summary>
    [DataMember(Name = "next")] public long? Next { get; init; }

    /// <summary>The last version of the log.</summary>
    [DataMember(Name = "head")] public required long Head { get; init; }

    /// <summary>The epoch of the log.</summary>
    [DataMember(Name = "epoch")] public required string Epoch { get; init; }

    /// <summary>What is missing before the first of <c>items</c>.</summary>
    [DataMember(Name = "gap")] public Gap? Gap { get; init; }
}
