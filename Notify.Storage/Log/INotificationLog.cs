using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Nodes;

namespace Notify.Storage.Log;

/// <summary>
/// The ordered log: gapless versions, version order = commit order. A reader that sees v has seen or can read every
/// smaller one. Postgres and SQLite implement it under one specification.
/// </summary>
/// <remarks>
/// Every member may throw <see cref="StorageUnavailableException"/> when storage does not answer, is locked, full or
/// read-only: nothing happened then, and trying again later is right.
/// </remarks>
public interface INotificationLog : IAsyncDisposable
{
    /// <summary>Which storage it is in, for an operator: no user and no password.</summary>
    string Place => "memory";

    /// <summary>Users, groups and what belongs to them, kept in the same database and changed by entries of this log.</summary>
    /// <exception cref="StorageUnavailableException">The storage has not been reached yet.</exception>
    IDirectory Directory => throw new NotSupportedException("This log keeps no directory.");

    /// <summary>What inboxes are made of, kept in the same database.</summary>
    /// <exception cref="StorageUnavailableException">The storage has not been reached yet.</exception>
    IInbox Inbox => throw new NotSupportedException("This log keeps no inbox.");

    /// <summary>The nodes that run on this log.</summary>
    /// <exception cref="StorageUnavailableException">The storage has not been reached yet.</exception>
    INodes Nodes => throw new NotSupportedException("This log keeps no list of nodes.");

    /// <summary>Where the log is: committed values, read from the primary.</summary>
    Task<LogHead> ReadHeadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Appends the batch as one transaction: all of its accepted entries, contiguous versions, or none.
    /// Repeats of the same batch (by <see cref="AppendBatch.Id"/>) return the first outcome and store nothing.
    /// One entry that the database refuses is <see cref="AppendOutcome.Refused"/> and does not fail its neighbours.
    /// </summary>
    /// <exception cref="StorageUnavailableException">Nothing was stored.</exception>
    /// <exception cref="AppendOutcomeUnknownException">
    /// The connection broke after submission: it may be stored, now or later. Repeat the same batch before any other.
    /// </exception>
    Task<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken);

    /// <summary>
    /// Reads the versions above <paramref name="after"/>, oldest first, at most <paramref name="maxEntries"/> rows and
    /// about <paramref name="maxBytes"/> bytes of content (at least one row), internal entries included.
    /// </summary>
    Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken);

    /// <summary>As <see cref="ReadAsync"/>, of these topics only, through their index: cost does not grow with what lies between.</summary>
    Task<LogPage> ReadTopicsAsync(IReadOnlyCollection<long> topicIds, long after, int maxEntries, int maxBytes, CancellationToken cancellationToken);

    /// <summary>
    /// As <see cref="ReadTopicsAsync"/>, but the versions below <paramref name="before"/>, newest first:
    /// <see cref="LogPage.Through"/> is then the lowest version down to which the page is complete, 1 when nothing is left.
    /// </summary>
    Task<LogPage> ReadTopicsBackAsync(IReadOnlyCollection<long> topicIds, long before, int maxEntries, int maxBytes, CancellationToken cancellationToken);

    /// <summary>The topics that exist with exactly these names.</summary>
    Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken);

    /// <summary>Up to <paramref name="limit"/> topics whose name begins (ordinally) with <paramref name="prefix"/>, in ordinal order.</summary>
    Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, int limit, CancellationToken cancellationToken);

    /// <summary>One notification by its id, or null; not one below the oldest version kept, nor an internal entry. Expired ones are returned.</summary>
    Task<LogEntry?> FindAsync(Guid id, CancellationToken cancellationToken);

    /// <summary>
    /// Retention: commits the new oldest version kept (the first one younger than <paramref name="maxAge"/>, by the
    /// database's clock; head + 1 when all are older) before anything is dropped, then drops what lies below it as far
    /// as that is possible without holding up appends, and old answers (idempotency, batch ids).
    /// </summary>
    Task<LogHead> SweepAsync(TimeSpan maxAge, CancellationToken cancellationToken);

    /// <summary>Declares a new epoch of the log (after a logical restore, or on a copied file) and returns its epoch.</summary>
    Task<Guid> BeginEpochAsync(CancellationToken cancellationToken);
}
