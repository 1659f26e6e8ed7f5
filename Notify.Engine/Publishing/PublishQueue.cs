using Notify.Engine.Configuration;

namespace Notify.Engine.Publishing;

/// <summary>What waits for the next append: bounded by entries and bytes, in the order of arrival, one reader.</summary>
internal sealed class PublishQueue : IDisposable
{
    // One append: large enough that the lock and the commit cost nothing a row (70,000 rows a second were measured at
    // 500 rows), small enough that it takes milliseconds and that publishes behind it wait no longer than that.
    private const int MaxAppendEntries = 1000;
    private const int MaxAppendBytes = 4 * 1024 * 1024;

    // When the expected publishers did not publish again, so many reads do not wait. (docs/decisions/0009)
    private const int ReadsWithoutWaiting = 16;

    private readonly LimitSettings _limits;
    private readonly Lock _lock = new();
    private readonly Queue<IPendingPublish> _waiting = new();
    private readonly ITimer _patience;
    private TaskCompletionSource? _readerWaits;
    private int _expected = 1;
    private int _withoutWaiting;
    private int _entries;
    private long _bytes;
    private bool _closed;

    public PublishQueue(LimitSettings limits, TimeProvider time)
    {
        _limits = limits;
        _patience = time.CreateTimer(_ => ExpectNoMore(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public int Entries => Volatile.Read(ref _entries);

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Takes it in, or says why not.</summary>
    public PublishOutcome.Refused? TryAdd(IPendingPublish publish)
    {
        TaskCompletionSource? reader;
        lock (_lock)
        {
            if (_closed) return PublishRefusals.Stopping;
            if (_entries + publish.Entries > _limits.PublishQueueEntries || _bytes + publish.Bytes > _limits.PublishQueueBytes)
                return PublishRefusals.QueueFull;
            _waiting.Enqueue(publish);
            _entries += publish.Entries;
            _bytes += publish.Bytes;
            reader = IsEnough ? TakeReader() : null;
        }

        reader?.TrySetResult();
        return null;
    }

    /// <summary>
    /// The next read waits until so many more publishes have arrived, an append is full, or this time is over.
    /// It does not for some reads after one that waited in vain.
    /// </summary>
    public void Expect(int more, TimeSpan patience)
    {
        lock (_lock)
        {
            if (_withoutWaiting > 0)
            {
                _withoutWaiting--;
                return;
            }

            _expected = _waiting.Count + more;
            if (_expected > 1) _patience.Change(patience, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Nothing more comes in; the reader gets what is left.</summary>
    public void Close()
    {
        TaskCompletionSource? reader;
        lock (_lock)
        {
            _closed = true;
            reader = TakeReader();
        }

        reader?.TrySetResult();
    }

    /// <summary>
    /// Moves the next append's worth into <paramref name="batch"/>, waiting for the first or for what is expected; false at
    /// the end. Whole requests only: one larger than an append's caps goes alone.
    /// </summary>
    public async ValueTask<bool> ReadAsync(List<IPendingPublish> batch, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task wait;
            lock (_lock)
            {
                if (_closed ? _waiting.Count > 0 : IsEnough)
                {
                    _expected = 1;
                    TakeInto(batch);
                    return true;
                }

                if (_closed) return false;
                _readerWaits ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                wait = _readerWaits.Task;
            }

            await wait.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Takes out what waits since before this time stamp: the oldest are in front.</summary>
    public List<IPendingPublish> TakeStartedBefore(long startedAt)
    {
        var expired = new List<IPendingPublish>();
        lock (_lock)
        {
            while (_waiting.TryPeek(out var first) && first.StartedAt < startedAt) expired.Add(Dequeue());
        }

        return expired;
    }

    public void Dispose() => _patience.Dispose();

    private bool IsEnough => _waiting.Count >= _expected || _entries >= MaxAppendEntries || _bytes >= MaxAppendBytes;

    private void ExpectNoMore()
    {
        TaskCompletionSource? reader;
        lock (_lock)
        {
            if (_expected == 1) return; // they came, and the timer was not stopped
            (_expected, _withoutWaiting) = (1, ReadsWithoutWaiting);
            reader = IsEnough ? TakeReader() : null;
        }

        reader?.TrySetResult();
    }

    private TaskCompletionSource? TakeReader()
    {
        var reader = _readerWaits;
        _readerWaits = null;
        return reader;
    }

    private void TakeInto(List<IPendingPublish> batch)
    {
        var (entries, bytes) = (0, 0L);
        while (_waiting.TryPeek(out var next))
        {
            entries += next.Entries;
            bytes += next.Bytes;
            if (batch.Count > 0 && (entries > MaxAppendEntries || bytes > MaxAppendBytes)) return;
            batch.Add(Dequeue());
        }
    }

    private IPendingPublish Dequeue()
    {
        var publish = _waiting.Dequeue();
        _entries -= publish.Entries;
        _bytes -= publish.Bytes;
        return publish;
    }
}
