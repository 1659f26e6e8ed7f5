namespace Notify.Storage.Inbox;

/// <summary>Since when an item is seen, read and archived; null: it is not. Archived implies read, read implies seen.</summary>
public readonly record struct InboxState(DateTimeOffset? SeenAt, DateTimeOffset? ReadAt, DateTimeOffset? ArchivedAt)
{
    /// <summary>
    /// As the marks leave it, in the order in which they were made: its own last mark, then what was marked up to a version
    /// after that.
    /// </summary>
    /// <param name="version">The item's version.</param>
    /// <param name="own">Its own last mark.</param>
    /// <param name="steps">Those whose filter is for its topic, in the order in which they were made.</param>
    public static InboxState Of(long version, InboxMark? own, IEnumerable<InboxStep> steps)
    {
        var state = own is { } mark ? new InboxState(mark.SeenAt, mark.ReadAt, mark.ArchivedAt) : default;
        foreach (var step in steps)
        {
            if (step.UpTo >= version && (own is null || step.Order > own.Value.Order)) state = state.After(step.Operation, step.At);
        }

        return state;
    }

    /// <summary>What a mark makes of it.</summary>
    public InboxState After(InboxOperation operation, DateTimeOffset at) => operation switch
    {
        InboxOperation.Seen => this with { SeenAt = SeenAt ?? at },
        InboxOperation.Read => this with { SeenAt = SeenAt ?? at, ReadAt = ReadAt ?? at },
        InboxOperation.Archive => new InboxState(SeenAt ?? at, ReadAt ?? at, ArchivedAt ?? at),
        InboxOperation.Unread => ArchivedAt is null ? this with { ReadAt = null } : this,
        InboxOperation.Unarchive => this with { ArchivedAt = null },
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, null),
    };
}
