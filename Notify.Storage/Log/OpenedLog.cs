using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Nodes;

namespace Notify.Storage.Log;

/// <summary>
/// The log, before and after it is open. Opening takes as long as the database is away; until then every call is
/// answered as by a storage that does not answer, which is what every caller is prepared for anyway.
/// </summary>
public sealed class OpenedLog : INotificationLog
{
    private readonly TaskCompletionSource<INotificationLog> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile INotificationLog? _log;

    /// <summary>Completes when the log is open.</summary>
    public Task Opened => _opened.Task;

    /// <summary>The log was opened; it does not say that its database answers now.</summary>
    public bool IsOpen => _log is not null;

    /// <inheritdoc/>
    public string Place => Log.Place;

    private INotificationLog Log => _log ?? throw new StorageUnavailableException("The storage has not been reached yet.");

    /// <summary>Once, by the host; the log is disposed of with this one.</summary>
    public void Open(INotificationLog log)
    {
        _log = log;
        _opened.TrySetResult(log);
    }

    /// <inheritdoc/>
    public IDirectory Directory => Log.Directory;

    /// <inheritdoc/>
    public IInbox Inbox => Log.Inbox;

    /// <inheritdoc/>
    public INodes Nodes => Log.Nodes;

    /// <inheritdoc/>
    public Task<LogHead> ReadHeadAsync(CancellationToken cancellationToken) => Log.ReadHeadAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken) => Log.AppendAsync(batch, cancellationToken);

    /// <inheritdoc/>
    public Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        Log.ReadAsync(after, maxEntries, maxBytes, cancellationToken);

    /// <inheritdoc/>
    public Task<LogPage> ReadTopicsAsync(IReadOnlyCollection<long> topicIds, long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        Log.ReadTopicsAsync(topicIds, after, maxEntries, maxBytes, cancellationToken);

    /// <inheritdoc/>
    public Task<LogPage> ReadTopicsBackAsync(IReadOnlyCollection<long> topicIds, long before, int maxEntries, int maxBytes,
        CancellationToken cancellationToken) =>
        Log.ReadTopicsBackAsync(topicIds, before, maxEntries, maxBytes, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        Log.FindTopicsAsync(names, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, int limit, CancellationToken cancellationToken) =>
        Log.FindTopicsByPrefixAsync(prefix, limit, cancellationToken);

    /// <inheritdoc/>
    public Task<LogEntry?> FindAsync(Guid id, CancellationToken cancellationToken) => Log.FindAsync(id, cancellationToken);

    /// <inheritdoc/>
    public Task<LogHead> SweepAsync(TimeSpan maxAge, CancellationToken cancellationToken) => Log.SweepAsync(maxAge, cancellationToken);

    /// <inheritdoc/>
    public Task<Guid> BeginEpochAsync(CancellationToken cancellationToken) => Log.BeginEpochAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _log, null)?.DisposeAsync() ?? ValueTask.CompletedTask;
}
