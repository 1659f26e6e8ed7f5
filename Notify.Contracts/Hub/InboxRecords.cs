using System.Runtime.Serialization;

namespace Notify.Contracts.Hub;

/// <summary>
/// The counts of the user's inbox, to connections that said <c>inbox: true</c>. A client never counts by itself: it keeps those
/// with the highest <paramref name="Rev"/>, and drops what it had when <paramref name="Epoch"/> is another one.
/// </summary>
/// <param name="Unread">How many are not read.</param>
/// <param name="Unseen">How many are not seen.</param>
/// <param name="Head">The last version of the log.</param>
/// <param name="Epoch">The epoch of the log.</param>
/// <param name="Rev">The version up to which they were counted.</param>
[DataContract]
public sealed record InboxChanged(
    [property: DataMember(Name = "unread")] long Unread,
    [property: DataMember(Name = "unseen")] long Unseen,
    [property: DataMember(Name = "head")] long Head,
    [property: DataMember(Name = "epoch")] string Epoch,
    [property: DataMember(Name = "rev")] long Rev)
{
    /// <summary>The counts are lower bounds; absent: they are exact.</summary>
    [DataMember(Name = "atLeast")] public bool? AtLeast { get; init; }
}
