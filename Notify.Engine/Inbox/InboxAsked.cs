using Notify.Contracts.Topics;

namespace Notify.Engine.Inbox;

/// <summary>Whose inbox is asked for, and through which eyes.</summary>
/// <param name="User">The user.</param>
/// <param name="Covers">Whether the caller may follow a whole filter: of durable subscriptions that it may not, nothing is listed or counted.</param>
internal sealed record InboxAsked(string User, Func<TopicFilter, bool> Covers)
{
    /// <summary>Filters that are counted by themselves: tabs.</summary>
    public IReadOnlyList<InboxFilter> Filters { get; init; } = [];
}

/// <summary>A filter over an inbox.</summary>
/// <param name="Text">As the client wrote it.</param>
/// <param name="Topics">The topics that it matches, <c>$user/me</c> being that of the user of the path.</param>
internal sealed record InboxFilter(string Text, TopicFilter Topics);

/// <summary>How much is unread and unseen, as of a version of the log.</summary>
/// <param name="Unread">Items that are not read.</param>
/// <param name="Unseen">Items that are not seen.</param>
/// <param name="Head">The version up to which they were counted: the contract's <c>rev</c>, and the head of the same reading.</param>
/// <param name="Epoch">The epoch of the log.</param>
/// <param name="AtLeast">They are lower bounds: the user follows more topics than are counted.</param>
/// <param name="Filters">The same of each filter that was asked for, in their order.</param>
internal sealed record InboxCounts(long Unread, long Unseen, long Head, Guid Epoch, bool AtLeast, IReadOnlyList<FilterCounts> Filters)
{
    /// <summary>When the next item expires that may be counted; null: none does.</summary>
    public DateTimeOffset? NextExpiry { get; init; }

    /// <summary>Some of them are kept by the inbox alone.</summary>
    public bool HasKeptItems { get; init; }

    /// <summary>Single marks that were looked at and that say what no mark up to a version says.</summary>
    public int SingleMarks { get; init; }
}

/// <summary>The counts of one filter.</summary>
internal readonly record struct FilterCounts(InboxFilter Filter, long Unread, long Unseen);

/// <summary>Which items a list has.</summary>
internal enum InboxView
{
    /// <summary>Those that are not archived.</summary>
    All,

    /// <summary>Those that are not read.</summary>
    Unread,

    /// <summary>Those that are archived.</summary>
    Archived,
}
