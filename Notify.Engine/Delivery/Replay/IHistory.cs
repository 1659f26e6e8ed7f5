using Notify.Contracts.Topics;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Replay;

/// <summary>Reads stored notifications below a version, newest first.</summary>
public interface IHistory
{
    /// <summary>
    /// The notifications below <paramref name="before"/> (null: from the head on) that a filter matches, newest first,
    /// unexpired ones only. Examines a bounded part of the log a call, so a page may be short or empty before the end.
    /// </summary>
    /// <exception cref="StorageUnavailableException">Storage was needed and does not answer.</exception>
    Task<HistoryPage> ReadAsync(IReadOnlyList<TopicFilter> filters, long? before, int maxEntries, CancellationToken cancellationToken);
}

/// <summary>Some of the history.</summary>
/// <param name="Entries">Newest first.</param>
/// <param name="Next">Where the next page begins: its <c>before</c>; null at the end.</param>
/// <param name="Head">Where the log was.</param>
public sealed record HistoryPage(IReadOnlyList<LogEntry> Entries, long? Next, LogHead Head);
