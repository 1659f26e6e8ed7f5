using Notify.Storage.Log;

namespace Notify.Engine.Publishing;

/// <summary>
/// Where the publisher hands on what it has done: the arrow from Publishing to Delivery. Calls return at once and never
/// wait for a client.
/// </summary>
public interface ICommitObserver
{
    /// <summary>The most bytes of content with which an ephemeral notification reaches every node.</summary>
    int EphemeralBytes => int.MaxValue;

    /// <summary>How far this node's delivery to clients that keep up is behind what was committed.</summary>
    TimeSpan DeliveryLag => TimeSpan.Zero;

    /// <summary>A batch is committed. A hint only: lost or late ones are read from the log.</summary>
    /// <param name="epoch">The epoch of the log they are in.</param>
    /// <param name="entries">Contiguous versions, in order; at least one.</param>
    void Committed(Guid epoch, IReadOnlyList<LogEntry> entries);

    /// <summary>An ephemeral notification, for live sessions. Its version and topic sequence are 0.</summary>
    void Ephemeral(LogEntry notification);
}
