using Notify.Storage.Log;

namespace Notify.Storage.Inbox;

/// <summary>
/// What inboxes are made of, kept with the log: notifications are stored once whatever their audience, so an inbox is read
/// from topics, intervals and marks. Marks are made by <see cref="Directory.DirectoryChange.MarkInbox"/>.
/// </summary>
public interface IInbox
{
    /// <summary>
    /// Reads in one snapshot: everything is as of its <see cref="IInboxSnapshot.Head"/>. Made again when retention passed by
    /// meanwhile, so it may be called more than once.
    /// </summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    Task<T> ReadAsync<T>(IReadOnlyCollection<string> users, Func<IInboxSnapshot, Task<T>> read, CancellationToken cancellationToken);

    /// <summary>A notification by its id that the log no longer has, or null. The caller checks whether its user may see it.</summary>
    Task<LogEntry?> FindKeptAsync(Guid id, CancellationToken cancellationToken);
}

/// <summary>The database at one moment. Used by one reader, one call at a time.</summary>
public interface IInboxSnapshot
{
    /// <summary>Epoch, head and oldest, and the time by which expiry is told.</summary>
    LogHead Head { get; }

    /// <summary>The lowest version of which notifications to users and groups are kept; at most the log's oldest.</summary>
    long KeptFrom { get; }

    /// <summary>The users that were asked for, by name; those that were never mentioned are not there.</summary>
    IReadOnlyDictionary<string, InboxUser> Users { get; }

    /// <summary>The topics with these names.</summary>
    Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken);

    /// <summary>As <see cref="INotificationLog.FindTopicsByPrefixAsync"/>.</summary>
    Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, string after, int limit, CancellationToken cancellationToken);

    /// <summary>How many notifications each range has, in their order. A range lies on one side of the log's oldest version.</summary>
    Task<IReadOnlyList<RangeCount>> CountAsync(IReadOnlyList<TopicRange> ranges, CancellationToken cancellationToken);

    /// <summary>Own marks of users.</summary>
    Task<IReadOnlyList<(long User, InboxMark Mark)>> FindMarksAsync(IReadOnlyList<MarkRange> ranges, CancellationToken cancellationToken);

    /// <summary>
    /// The highest versions of the ranges, each on one side of the log's oldest version: as many as are wanted, and perhaps more,
    /// expired ones left out; and the version down to which they are complete, 0 when nothing is left.
    /// </summary>
    Task<(IReadOnlyList<TopicVersion> Versions, long DownTo)> NewestAsync(IReadOnlyList<TopicRange> ranges, int wanted, CancellationToken cancellationToken);

    /// <summary>
    /// All notifications of the log above one version and up to another, whatever their topics, expired ones left out. The versions
    /// are not below the log's oldest.
    /// </summary>
    Task<IReadOnlyList<TopicVersion>> ScanAsync(long after, long through, CancellationToken cancellationToken);

    /// <summary>The notifications of these versions, as far as they are kept, newest first, and at most about so many bytes of content.</summary>
    Task<IReadOnlyList<LogEntry>> ReadAsync(IReadOnlyCollection<long> versions, int maxBytes, CancellationToken cancellationToken);

    /// <summary>The same without their contents.</summary>
    Task<IReadOnlyList<InboxItem>> FindItemsAsync(IReadOnlyCollection<long> versions, CancellationToken cancellationToken);
}
