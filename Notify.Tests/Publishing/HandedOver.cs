using System.Collections.Concurrent;
using Notify.Engine.Publishing;
using Notify.Storage.Log;

namespace Notify.Tests.Publishing;

/// <summary>Delivery that only remembers what it was given.</summary>
internal sealed class HandedOver : ICommitObserver
{
    private long _lag;
    private int _looks;

    public ConcurrentQueue<LogEntry> Stored { get; } = [];
    public ConcurrentQueue<LogEntry> EphemeralOnes { get; } = [];

    /// <summary>Runs while it is given a batch.</summary>
    public Action Taking { get; init; } = () => { };

    public int EphemeralBytes { get; set; } = int.MaxValue;

    /// <summary>As if delivery were behind by this.</summary>
    public TimeSpan DeliveryLag
    {
        get
        {
            Interlocked.Increment(ref _looks);
            return new TimeSpan(Volatile.Read(ref _lag));
        }
        set => Volatile.Write(ref _lag, value.Ticks);
    }

    /// <summary>How often the loop has asked for <see cref="DeliveryLag"/>: before its first append and after each one.</summary>
    public int Looks => Volatile.Read(ref _looks);

    public void Committed(Guid epoch, IReadOnlyList<LogEntry> entries)
    {
        Taking();
        foreach (var entry in entries) Stored.Enqueue(entry);
    }

    public void Ephemeral(LogEntry notification) => EphemeralOnes.Enqueue(notification);
}
