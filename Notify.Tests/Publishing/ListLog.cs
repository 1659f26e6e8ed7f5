using Notify.Engine.Publishing;
using Notify.Storage.Inbox;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Publishing;

/// <summary>A log that is a list, and that fails when told to.</summary>
internal sealed class ListLog : INotificationLog
{
    private readonly Lock _lock = new();
    private readonly List<LogEntry> _entries = [];
    private readonly List<AppendBatch> _batches = [];
    private readonly Dictionary<(string, string), (LogEntry Entry, byte[] Hash)> _keys = [];

    public Guid Epoch { get; } = Guid.NewGuid();

    public IInbox Inbox { get; } = new NothingKept();

    /// <summary>Runs before an append; what it throws is the append's outcome.</summary>
    public Func<AppendBatch, CancellationToken, Task> BeforeAppend { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Why an entry is rejected although its neighbours are stored; null: it is stored too.</summary>
    public Func<NewEntry, string?> Rejected { get; set; } = _ => null;

    /// <summary>Every batch submitted, repeats included.</summary>
    public IReadOnlyList<AppendBatch> Batches
    {
        get
        {
            lock (_lock) return [.. _batches];
        }
    }

    public IReadOnlyList<LogEntry> Entries
    {
        get
        {
            lock (_lock) return [.. _entries];
        }
    }

    public bool IsAway { get; set; }

    /// <summary>Where the log is can be read, and what is in it cannot.</summary>
    public bool RowsAreAway { get; set; }

    /// <summary>When rows were asked for.</summary>
    public Observed<long> RowsAskedFor { get; } = new();

    public async Task<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken)
    {
        lock (_lock) _batches.Add(batch);
        await BeforeAppend(batch, cancellationToken);
        ThrowIfAway();
        lock (_lock)
        {
            var stored = new List<LogEntry>();
            var outcomes = batch.Entries.Select(entry => Append(entry, stored)).ToArray();
            return new AppendResult(Epoch, outcomes, stored);
        }
    }

    public Task<LogHead> ReadHeadAsync(CancellationToken cancellationToken)
    {
        ThrowIfAway();
        lock (_lock) return Task.FromResult(new LogHead(Epoch, _entries.Count, 1));
    }

    public Task<LogEntry?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        ThrowIfAway();
        lock (_lock) return Task.FromResult(_entries.Find(entry => entry.Id == id));
    }

    public Task<LogHead> SweepAsync(TimeSpan maxAge, CancellationToken cancellationToken) => ReadHeadAsync(cancellationToken);

    public async Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken)
    {
        var head = await ReadHeadAsync(cancellationToken);
        RowsAskedFor.Add(TimeProvider.System.GetTimestamp());
        if (RowsAreAway) throw new StorageUnavailableException("Rows away, as told.");
        var entries = Entries.Where(entry => entry.Version > after && entry.Version <= head.Head).Take(maxEntries).ToArray();
        return new LogPage(entries, entries.Length == maxEntries ? entries[^1].Version : head.Head, head);
    }

    public Task<LogPage> ReadTopicsAsync(IReadOnlyCollection<long> topicIds, long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<LogPage> ReadTopicsBackAsync(IReadOnlyCollection<long> topicIds, long before, int maxEntries, int maxBytes,
        CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, int limit, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<Guid> BeginEpochAsync(CancellationToken cancellationToken) => Task.FromResult(Epoch);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void ThrowIfAway()
    {
        if (IsAway) throw new StorageUnavailableException("Away, as told.");
    }

    private AppendOutcome Append(NewEntry entry, List<LogEntry> stored)
    {
        if (Rejected(entry) is { } reason) return new AppendOutcome.Refused(reason);
        if (entry.Key is { } key)
        {
            if (_keys.TryGetValue((key.Publisher, key.Key), out var first))
            {
                return first.Hash.AsSpan().SequenceEqual(key.RequestHash.Span)
                    ? new AppendOutcome.Replayed(first.Entry.Id, first.Entry.Version, first.Entry.Topic, first.Entry.PublishedAt)
                    : new AppendOutcome.Conflict();
            }
        }

        var now = TimeProvider.System.GetUtcNow();
        var added = new LogEntry
        {
            Version = _entries.Count + 1,
            Id = entry.Id,
            Topic = entry.Topic,
            TopicSeq = _entries.Count(other => other.Topic == entry.Topic) + 1,
            PublishedAt = now,
            ExpiresAt = entry.TtlSeconds is { } ttl ? now.AddSeconds(ttl) : null,
            Content = entry.Content,
        };
        _entries.Add(added);
        stored.Add(added);
        if (entry.Key is { } stayed) _keys[(stayed.Publisher, stayed.Key)] = (added, stayed.RequestHash.ToArray());
        return new AppendOutcome.Stored(added);
    }

    private sealed class NothingKept : IInbox
    {
        public Task<T> ReadAsync<T>(IReadOnlyCollection<string> users, Func<IInboxSnapshot, Task<T>> read, CancellationToken cancellationToken) =>
            throw new NotSupportedException("This log has no inboxes.");

        public Task<LogEntry?> FindKeptAsync(Guid id, CancellationToken cancellationToken) => Task.FromResult<LogEntry?>(null);
    }
}
