using Notify.Engine.Publishing;
using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Engine.Cluster;

/// <summary>Hands committed entries to this node's tail and then to the other nodes. Neither call blocks.</summary>
internal sealed class ClusterCommitObserver(LogTail tail, DeliveryLag lag, ClusterLink link) : ICommitObserver
{
    public int EphemeralBytes => link.EphemeralBytes;

    public TimeSpan DeliveryLag => lag.Now;

    public void Committed(Guid epoch, IReadOnlyList<LogEntry> entries)
    {
        tail.Committed(epoch, entries);
        link.Committed(epoch, entries);
    }

    public void Ephemeral(LogEntry notification)
    {
        tail.Ephemeral(notification);
        link.Ephemeral(notification);
    }
}
