using System.Collections.Concurrent;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Faults.Breaking;

namespace Notify.Tests.Delivery;

/// <summary>A log that a test holds at the point it chooses, changes the answers of, and asks how it was read.</summary>
internal sealed class SteeredLog : BrokenLog
{
    private readonly Lazy<SteeredDirectory> _directory;

    public SteeredLog(INotificationLog inner)
        : base(inner) => _directory = new(() => SteeredDirectory.Around(inner.Directory)); // some logs have none

    /// <summary>The directory's part of it.</summary>
    public SteeredDirectory Steered => _directory.Value;

    public override IDirectory Directory => (IDirectory)(object)Steered;

    /// <summary>Runs before rows after this version are read.</summary>
    public Func<long, Task> BeforeRows { get; set; } = _ => Task.CompletedTask;

    /// <summary>What is said instead of the rows after this version, by whichever way they were read.</summary>
    public Func<long, LogPage, LogPage> Rows { get; set; } = (_, page) => page;

    /// <summary>The versions after which rows were read, whatever their topics.</summary>
    public ConcurrentQueue<long> Scans { get; } = [];

    /// <summary>The versions after which rows were read by topic.</summary>
    public ConcurrentQueue<long> TopicReads { get; } = [];

    public override async Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken)
    {
        Scans.Enqueue(after);
        await BeforeRows(after).WaitAsync(cancellationToken);
        return Rows(after, await Inner.ReadAsync(after, maxEntries, maxBytes, cancellationToken));
    }

    public override async Task<LogPage> ReadTopicsAsync(IReadOnlyCollection<long> topicIds, long after, int maxEntries, int maxBytes,
        CancellationToken cancellationToken)
    {
        TopicReads.Enqueue(after);
        return Rows(after, await Inner.ReadTopicsAsync(topicIds, after, maxEntries, maxBytes, cancellationToken));
    }
}
