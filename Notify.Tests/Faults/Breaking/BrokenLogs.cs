using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Tests.Faults.Breaking;

/// <summary>A log with one member that does something else.</summary>
internal abstract class BrokenLog(INotificationLog inner) : INotificationLog
{
    public virtual IDirectory Directory => inner.Directory;

    public virtual Notify.Storage.Inbox.IInbox Inbox => inner.Inbox;

    protected INotificationLog Inner => inner;

    public virtual Task<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken) => inner.AppendAsync(batch, cancellationToken);

    public virtual Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        inner.ReadAsync(after, maxEntries, maxBytes, cancellationToken);

    public virtual Task<LogHead> ReadHeadAsync(CancellationToken cancellationToken) => inner.ReadHeadAsync(cancellationToken);

    public virtual Task<LogPage> ReadTopicsAsync(IReadOnlyCollection<long> topicIds, long after, int maxEntries, int maxBytes,
        CancellationToken cancellationToken) =>
        inner.ReadTopicsAsync(topicIds, after, maxEntries, maxBytes, cancellationToken);

    public Task<LogPage> ReadTopicsBackAsync(IReadOnlyCollection<long> topicIds, long before, int maxEntries, int maxBytes,
        CancellationToken cancellationToken) =>
        inner.ReadTopicsBackAsync(topicIds, before, maxEntries, maxBytes, cancellationToken);

    public virtual Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        inner.FindTopicsAsync(names, cancellationToken);

    public virtual Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, int limit, CancellationToken cancellationToken) =>
        inner.FindTopicsByPrefixAsync(prefix, limit, cancellationToken);

    public Task<LogEntry?> FindAsync(Guid id, CancellationToken cancellationToken) => inner.FindAsync(id, cancellationToken);

    public Task<LogHead> SweepAsync(TimeSpan maxAge, CancellationToken cancellationToken) => inner.SweepAsync(maxAge, cancellationToken);

    public Task<Guid> BeginEpochAsync(CancellationToken cancellationToken) => inner.BeginEpochAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}

/// <summary>Without idempotency: a publish that is repeated under its key is stored again.</summary>
internal sealed class KeylessLog(INotificationLog inner) : BrokenLog(inner)
{
    public override Task<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken) =>
        Inner.AppendAsync(batch with { Entries = [.. batch.Entries.Select(entry => entry with { Key = null })] }, cancellationToken);
}

/// <summary>Without repair: what no hint brought to this node is not to be had.</summary>
internal sealed class UnreadLog(INotificationLog inner) : BrokenLog(inner)
{
    public override Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        throw new StorageUnavailableException("Repair is switched off.");
}
