using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>The position of this node's tail, as the other parts of the node see it.</summary>
internal sealed class TailPosition(INotificationLog log, LogClock clock, TimeProvider time)
{
    private readonly Lock _gate = new();
    private Task<LogHead>? _reading;
    private LogView? _view;
    private long _dispatched;
    private long _readableAt;

    /// <summary>The log as this node has it; null until it was read for the first time.</summary>
    public LogView? View
    {
        get => Volatile.Read(ref _view);
        set => Volatile.Write(ref _view, value);
    }

    /// <summary>Every live session was offered everything up to here.</summary>
    public long Dispatched
    {
        get => Volatile.Read(ref _dispatched);
        set => Volatile.Write(ref _dispatched, value);
    }

    /// <summary>Why this node had to stop: an entry that it cannot apply; null while it goes on.</summary>
    public Exception? StoppedBy { get; set; }

    /// <summary>Raised at a sign of another epoch: the tail checks at once.</summary>
    public event Action? Suspected;

    public void Suspect() => Suspected?.Invoke();

    /// <summary>How long the log could not be read, as far as this node tried.</summary>
    public TimeSpan UnreadableFor => time.GetElapsedTime(Volatile.Read(ref _readableAt));

    /// <summary>Reads the log head: one read for all callers at the same time.</summary>
    /// <exception cref="StorageUnavailableException">It cannot be read.</exception>
    public Task<LogHead> RefreshAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_reading is null or { IsCompleted: true }) _reading = ReadAsync();
            return _reading.WaitAsync(cancellationToken);
        }
    }

    private async Task<LogHead> ReadAsync()
    {
        await Task.Yield(); // leave the lock before the read
        var head = await log.ReadHeadAsync(CancellationToken.None);
        clock.Observe(head);
        Volatile.Write(ref _readableAt, time.GetTimestamp());
        if (View is { } view && view.EpochId == head.Epoch) view.Observe(head);
        return head;
    }
}
