using System.Collections.Concurrent;
using Notify.Engine.Publishing;
using Notify.Storage.Log;

namespace Notify.Tests.Publishing;

/// <summary>Delivery that only remembers what it was given.</summary>
internal sealed class HandedOver : ICommitObserver
{
    public ConcurrentQueue<LogEntry> Stored { get; } = [];
    public ConcurrentQueue<LogEntry> EphemeralOnes { get; } = [];

    /// <summary>Runs while it is given a batch.</summary>
    public Action Taking { get; init; } = () => { };

    public int EphemeralBytes { get; set; } = int.MaxValue;

    /// <summary>As if delivery were behind by this.</summary>
    public TimeSpan DeliveryLag { get; set; }

    public void Committed(Guid epoch, IReadOnlyList<LogEntry> entries)
    {
        Taking();
        foreach (var entry in entries) Stored.Enqueue(entry);
    }

    public void Ephemeral(LogEntry notification) => EphemeralOnes.Enqueue(notification);
}
