using Notify.Storage.Directory;

namespace Notify.Storage.Inbox;

/// <summary>What a mark does to an item.</summary>
public enum InboxOperation
{
    /// <summary>Read, and seen.</summary>
    Read,

    /// <summary>No longer read; still seen. Leaves archived ones as they are.</summary>
    Unread,

    /// <summary>Seen.</summary>
    Seen,

    /// <summary>Archived, read and seen.</summary>
    Archive,

    /// <summary>No longer archived; still read and seen.</summary>
    Unarchive,
}

/// <summary>Whether a filter matches a topic; the one implementation of it is not of storage.</summary>
public delegate bool TopicMatch(string filter, string topic);

/// <summary>An item to mark.</summary>
/// <param name="Version">The notification's version.</param>
/// <param name="TopicId">Its topic's id.</param>
/// <param name="Topic">Its topic's name.</param>
/// <param name="ExpiresAt">When it expires.</param>
public sealed record InboxItem(long Version, long TopicId, string Topic, DateTimeOffset? ExpiresAt);

/// <summary>A mark of everything up to a version: one step, whatever the number of items.</summary>
/// <param name="Operation">Read, seen or archive.</param>
/// <param name="UpTo">The last version that it is for.</param>
/// <param name="Order">Where it stands among all marks.</param>
/// <param name="At">When it was made, by the database's clock.</param>
public readonly record struct InboxStep(InboxOperation Operation, long UpTo, long Order, DateTimeOffset At);

/// <summary>A user's marks up to versions, of one filter.</summary>
/// <param name="Filter">The topics that they are for; empty: all.</param>
/// <param name="Steps">In the order in which they were made.</param>
public sealed record InboxWatermark(string Filter, IReadOnlyList<InboxStep> Steps);

/// <summary>An item that was marked by itself, as the mark left it.</summary>
/// <param name="Version">The notification's version.</param>
/// <param name="TopicId">Its topic's id.</param>
/// <param name="Order">Where the last mark of its own stands among all marks: later steps count in addition.</param>
/// <param name="SeenAt">Since when it is seen.</param>
/// <param name="ReadAt">Since when it is read.</param>
/// <param name="ArchivedAt">Since when it is archived.</param>
/// <param name="ExpiresAt">When the notification expires.</param>
public readonly record struct InboxMark(
    long Version, long TopicId, long Order, DateTimeOffset? SeenAt, DateTimeOffset? ReadAt, DateTimeOffset? ArchivedAt, DateTimeOffset? ExpiresAt);

/// <summary>A user as the inbox needs it: everything that holds, or held at a version that is still kept, and the marks up to versions.</summary>
/// <param name="Number">The user's number.</param>
/// <param name="Name">The user's name.</param>
/// <param name="Groups">Memberships.</param>
/// <param name="Subscriptions">Durable subscriptions.</param>
/// <param name="Watermarks">One for each filter that was marked by.</param>
public sealed record InboxUser(
    long Number, string Name, IReadOnlyList<Membership> Groups, IReadOnlyList<DurableSubscription> Subscriptions, IReadOnlyList<InboxWatermark> Watermarks);

/// <summary>Versions of a topic: above <paramref name="After"/>, up to and including <paramref name="Through"/>.</summary>
public readonly record struct TopicRange(long TopicId, long After, long Through);

/// <summary>How many notifications a range has.</summary>
/// <param name="Stored">Expired ones included.</param>
/// <param name="Expired">Those of them that have expired.</param>
/// <param name="NextExpiry">When the first of the others expires; null: none does.</param>
public readonly record struct RangeCount(long Stored, long Expired, DateTimeOffset? NextExpiry);

/// <summary>A notification of a topic.</summary>
public readonly record struct TopicVersion(long Version, long TopicId, DateTimeOffset? ExpiresAt);

/// <summary>Which of a user's own marks are wanted: enough to tell where an item differs from what the watermarks say.</summary>
/// <param name="User">The user's number.</param>
/// <param name="From">The lowest version.</param>
/// <param name="Through">The highest version.</param>
/// <param name="AllAfter">Above this version all of them; at or below it only those that <paramref name="Else"/> names.</param>
/// <param name="Else">Which ones at or below it.</param>
public readonly record struct MarkRange(long User, long From, long Through, long AllAfter, MarkKind Else);

/// <summary>Marks by what they left.</summary>
public enum MarkKind
{
    /// <summary>Not read.</summary>
    Unread,

    /// <summary>Not archived.</summary>
    NotArchived,

    /// <summary>Archived.</summary>
    Archived,
}
