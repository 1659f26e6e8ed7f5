using Notify.Contracts.Topics;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Replay;

/// <summary>Reads stored notifications after a version: from the ring, else from storage.</summary>
public interface IReplay
{
    /// <summary>
    /// The notifications above <paramref name="after"/> that a filter matches, oldest first, unexpired ones only.
    /// Examines a bounded part of the log a call, so a page may be short or empty before the end.
    /// </summary>
    /// <exception cref="StorageUnavailableException">Storage was needed and does not answer.</exception>
    Task<ReplayPage> ReadAsync(IReadOnlyList<TopicFilter> filters, long after, int maxEntries, CancellationToken cancellationToken);
}

/// <summary>Some of a replay.</summary>
/// <param name="Entries">In version order.</param>
/// <param name="Next">The last version examined: where the next page begins.</param>
/// <param name="Head">Where the log was.</param>
/// <param name="Gap">The reason (see <see cref="Contracts.Hub.GapReasons"/>) when versions between the one asked from and
/// <see cref="LogHead.Oldest"/> are gone; the page then starts at the oldest.</param>
public sealed record ReplayPage(IReadOnlyList<LogEntry> Entries, long Next, LogHead Head, string? Gap);
