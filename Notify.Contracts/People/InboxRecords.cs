using System.Text.Json.Serialization;
using Notify.Contracts.Wire;

namespace Notify.Contracts.People;

/// <summary>One item of an inbox.</summary>
public sealed record InboxItem
{
    /// <summary>What came.</summary>
    public required Notification Notification { get; init; }

    /// <summary>When it was seen.</summary>
    [JsonConverter(typeof(Rfc3339Converter))] public DateTimeOffset? SeenAt { get; init; }

    /// <summary>When it was read.</summary>
    [JsonConverter(typeof(Rfc3339Converter))] public DateTimeOffset? ReadAt { get; init; }

    /// <summary>When it was archived.</summary>
    [JsonConverter(typeof(Rfc3339Converter))] public DateTimeOffset? ArchivedAt { get; init; }
}

/// <summary>A page of an inbox, newest first.</summary>
public sealed record InboxPage
{
    /// <summary>Newest first.</summary>
    public required IReadOnlyList<InboxItem> Items { get; init; }

    /// <summary>The <c>before</c> of the next page; absent on the last.</summary>
    public long? Next { get; init; }

    /// <summary>The counts.</summary>
    public required InboxSummary Summary { get; init; }
}

/// <summary>The counts of an inbox as they were at version <see cref="Rev"/> of the log.</summary>
public sealed record InboxSummary
{
    /// <summary>How many are not read.</summary>
    public required long Unread { get; init; }

    /// <summary>How many are not seen.</summary>
    public required long Unseen { get; init; }

    /// <summary>The last version of the log.</summary>
    public required long Head { get; init; }

    /// <summary>The epoch of the log.</summary>
    public required string Epoch { get; init; }

    /// <summary>The version up to which they were counted: of two summaries that with the higher one is newer.</summary>
    public required long Rev { get; init; }

    /// <summary>True where the counts are lower bounds; otherwise absent.</summary>
    public bool? AtLeast { get; init; }

    /// <summary>Counts of their own for the filters that were asked for.</summary>
    public IReadOnlyList<InboxFilterCount>? Filters { get; init; }
}

/// <summary>The counts for one filter.</summary>
/// <param name="Filter">The filter.</param>
/// <param name="Unread">How many are not read.</param>
/// <param name="Unseen">How many are not seen.</param>
public sealed record InboxFilterCount(string Filter, long Unread, long Unseen);

/// <summary>Which items to mark: these versions, or everything up to one.</summary>
public sealed record InboxMark
{
    /// <summary>1 to 1,000 versions; those that are not the user's items are passed over.</summary>
    public IReadOnlyList<long>? Versions { get; init; }

    /// <summary>Everything up to this version; not for unread and unarchive.</summary>
    public long? UpTo { get; init; }

    /// <summary>Only topics that this filter matches.</summary>
    public string? Filter { get; init; }
}
