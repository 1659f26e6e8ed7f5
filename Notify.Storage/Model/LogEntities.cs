namespace Notify.Storage.Model;

/// <summary>The log's one row: which epoch it is in and what is kept. Its lock is what orders appends.</summary>
internal sealed class LogHeadRow
{
    public short Id { get; set; }
    public Guid Epoch { get; set; }
    public long Oldest { get; set; }

    /// <summary>Postgres: <see cref="TopicRow.LastSeq"/> is right as of this version.</summary>
    public long Settled { get; set; }

    /// <summary>Postgres: which cluster and timeline this epoch belongs to; another one is another epoch.</summary>
    public long SystemIdentifier { get; set; }
    public int Timeline { get; set; }

    /// <summary>Postgres: how often rows of topics were removed; sessions that remember topics compare it.</summary>
    public long TopicsRemoved { get; set; }

    /// <summary>The highest sequence of a topic whose row was removed: a topic that is made (again) begins above it.</summary>
    public long TopicsFloor { get; set; }
}

/// <summary>A committed append. The last one is the head of the log.</summary>
internal sealed class AppendRow
{
    public long LastVersion { get; set; }
    public long FirstVersion { get; set; }
    public Guid BatchId { get; set; }
    public DateTimeOffset AppendedAt { get; set; }

    /// <summary>The version of the last internal entry up to here; carried along, so that the head's row has it.</summary>
    public long LastChange { get; set; }

    /// <summary>The answers to a batch of changes, for a repeat of it; null for an append.</summary>
    public byte[]? Answers { get; set; }
}

/// <summary>A topic that something was published to. It goes when nothing of it is left in the log or in inboxes.</summary>
internal sealed class TopicRow
{
    public long Id { get; set; }
    public required string Name { get; set; }
    public long LastSeq { get; set; }

    /// <summary>
    /// A version up to which it was in use: only when that is no longer kept is it looked whether anything of it is left.
    /// Postgres: no notification of it lies above this version in a partition that <see cref="TopicEndRow"/> has.
    /// </summary>
    public long Used { get; set; }
}

/// <summary>
/// Postgres: what a topic has in one full partition, so that a count over many partitions need not look into each. The row
/// with the topic 0 says that the partition is written down.
/// </summary>
internal sealed class TopicEndRow
{
    public long TopicId { get; set; }

    /// <summary>The partition's last version, and the version before its first.</summary>
    public long Until { get; set; }
    public long After { get; set; }

    public long FirstSeq { get; set; }
    public long LastSeq { get; set; }

    /// <summary>How many of them expire, and when the last one does.</summary>
    public long Expiring { get; set; }
    public DateTimeOffset? ExpiresBy { get; set; }
}

/// <summary>A stored entry.</summary>
internal sealed class NotificationRow
{
    public long Version { get; set; }
    public Guid Id { get; set; }
    public short Kind { get; set; }

    /// <summary>Null for an internal entry, which keeps its name in <see cref="Name"/>.</summary>
    public long? TopicId { get; set; }
    public string? Name { get; set; }
    public long TopicSeq { get; set; }
    public DateTimeOffset PublishedAt { get; set; }
    public DateTimeOffset? ExpiresAt { get; set; }
    public required byte[] Content { get; set; }
}

/// <summary>The first answer given under a publisher's key. Lives on its own, whatever retention does to the notification.</summary>
internal sealed class IdempotencyRow
{
    public required string Publisher { get; set; }
    public required string Key { get; set; }
    public required byte[] RequestHash { get; set; }
    public Guid Id { get; set; }
    public long Version { get; set; }
    public required string Topic { get; set; }
    public DateTimeOffset PublishedAt { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
}
