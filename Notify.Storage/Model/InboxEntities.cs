namespace Notify.Storage.Model;

/// <summary>
/// An item that its user has marked by itself, as the last such mark left it. What was marked up to a version is in
/// <see cref="InboxWatermarkRow"/>.
/// </summary>
internal sealed class InboxMarkRow
{
    public long UserId { get; set; }
    public long Version { get; set; }
    public long TopicId { get; set; }

    /// <summary>Which came later, it or a step.</summary>
    public long Order { get; set; }
    public DateTimeOffset? SeenAt { get; set; }
    public DateTimeOffset? ReadAt { get; set; }
    public DateTimeOffset? ArchivedAt { get; set; }
    public DateTimeOffset? ExpiresAt { get; set; }
}

/// <summary>
/// A notification of a user's own topic or of a group that the log no longer has: all of them down to the lowest one here, so
/// that a topic's sequence is as dense here as in the log.
/// </summary>
internal sealed class InboxKeptRow
{
    public long Version { get; set; }
    public Guid Id { get; set; }
    public long TopicId { get; set; }
    public long TopicSeq { get; set; }
    public DateTimeOffset PublishedAt { get; set; }
    public DateTimeOffset? ExpiresAt { get; set; }
    public required byte[] Content { get; set; }
}

/// <summary>What a user has marked up to versions, for the topics of one filter: one row, however often.</summary>
internal sealed class InboxWatermarkRow
{
    public long UserId { get; set; }

    /// <summary>Empty: all topics.</summary>
    public required string Filter { get; set; }

    /// <summary>A JSON array of steps, in the order in which they were made.</summary>
    public required string Steps { get; set; }

    /// <summary>The highest version of them: below the oldest version kept the row is of nothing any more.</summary>
    public long UpTo { get; set; }
}
