using System.Collections.Concurrent;
using System.Text;
using Notify.Storage.Log;
using Notify.Tests.Delivery;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Tail;

/// <summary>A log for the tail alone: what is in it and when it answers is the test's to say.</summary>
internal sealed class ScriptedLog : INotificationLog
{
    private readonly Lock _lock = new();
    private readonly List<LogEntry> _entries = [];
    private readonly ConcurrentQueue<LogHead> _saidOnce = [];
    private TaskCompletionSource _heads = Opened();

    public Guid Epoch { get; set; } = Guid.NewGuid();

    public long Oldest { get; set; } = 1;

    /// <summary>Entries that one read brings at most.</summary>
    public int PageEntries { get; set; } = int.MaxValue;

    /// <summary>Versions that were deleted by hand.</summary>
    public IReadOnlyCollection<long> Without { get; set; } = [];

    /// <summary>What a read waits for after it has looked; what it throws is the read's outcome.</summary>
    public Func<Task> AfterRead { get; set; } = () => Task.CompletedTask;

    /// <summary>The versions after which rows were asked for.</summary>
    public Observed<long> Reads { get; private set; } = new();

    public Observed<LogHead> HeadReads { get; } = new();

    public int EpochsBegun { get; private set; }

    public void ForgetReads() => Reads = new();

    /// <summary>Reads of the head wait until it is let go.</summary>
    public void HoldHead() => _heads = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void LetHeadGo() => _heads.TrySetResult();

    /// <summary>The next read of the head finds this one.</summary>
    public void SayOnce(LogHead head) => _saidOnce.Enqueue(head);

    /// <summary>Stores these; an entry of a kind that is not a notification counts as a change.</summary>
    public LogEntry[] Store(params EntryKind[] kinds)
    {
        lock (_lock)
        {
            LogEntry[] stored = [.. kinds.Select((kind, i) => Entry(_entries.Count + 1 + i, kind))];
            _entries.AddRange(stored);
            return stored;
        }
    }

    public LogEntry[] Store(int notifications) => Store(new EntryKind[notifications]);

    /// <summary>What this version is after all.</summary>
    public void Change(int version, Func<LogEntry, LogEntry> changed)
    {
        lock (_lock) _entries[version - 1] = changed(_entries[version - 1]);
    }

    /// <summary>Loses all above this version.</summary>
    public void Lose(int above)
    {
        lock (_lock) _entries.RemoveRange(above, _entries.Count - above);
    }

    public static LogEntry Entry(long version, EntryKind kind = EntryKind.Notification, string content = "{}") =>
        Entries.At(version) with { Kind = kind, Content = Encoding.UTF8.GetBytes(content) };

    public async Task<LogHead> ReadHeadAsync(CancellationToken cancellationToken)
    {
        HeadReads.Add(Head());
        await _heads.Task.WaitAsync(cancellationToken);
        return _saidOnce.TryDequeue(out var said) ? said : Head();
    }

    public async Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken)
    {
        LogPage page;
        lock (_lock)
        {
            var most = Math.Min(maxEntries, PageEntries);
            LogEntry[] entries = [.. _entries.Where(entry => entry.Version > after && entry.Version >= Oldest && !Without.Contains(entry.Version)).Take(most)];
            page = new LogPage(entries, entries.Length == most ? entries[^1].Version : _entries.Count, Head());
        }

        var afterRead = AfterRead;
        Reads.Add(after);
        await afterRead().WaitAsync(cancellationToken);
        return page;
    }

    public Task<Guid> BeginEpochAsync(CancellationToken cancellationToken)
    {
        EpochsBegun++;
        return Task.FromResult(Epoch = Guid.NewGuid());
    }

    public Task<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>A topic's id is the version of its first entry.</summary>
    public async Task<LogPage> ReadTopicsAsync(IReadOnlyCollection<long> topicIds, long after, int maxEntries, int maxBytes,
        CancellationToken cancellationToken)
    {
        LogPage page;
        lock (_lock)
        {
            var names = topicIds.Select(id => _entries[(int)id - 1].Topic).ToHashSet();
            page = new LogPage([.. _entries.Where(entry => entry.Version > after && names.Contains(entry.Topic))], _entries.Count, Head());
        }

        var afterRead = AfterRead;
        Reads.Add(after);
        await afterRead().WaitAsync(cancellationToken);
        return page;
    }

    public Task<LogPage> ReadTopicsBackAsync(IReadOnlyCollection<long> topicIds, long before, int maxEntries, int maxBytes,
        CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var firsts = names.Select(name => _entries.Find(entry => entry.Topic == name)).OfType<LogEntry>();
            return Task.FromResult<IReadOnlyList<LogTopic>>([.. firsts.Select(entry => new LogTopic(entry.Version, entry.Topic))]);
        }
    }

    public Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, int limit, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<LogEntry?> FindAsync(Guid id, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<LogHead> SweepAsync(TimeSpan maxAge, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private LogHead Head()
    {
        lock (_lock)
        {
            return new LogHead(Epoch, _entries.Count, Oldest)
            {
                LastChange = _entries.FindLast(entry => entry.Kind != EntryKind.Notification)?.Version ?? 0,
            };
        }
    }

    private static TaskCompletionSource Opened()
    {
        var opened = new TaskCompletionSource();
        opened.SetResult();
        return opened;
    }
}
