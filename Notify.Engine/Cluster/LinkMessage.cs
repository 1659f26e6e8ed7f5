using System.Diagnostics;
using Notify.Storage.Log;

namespace Notify.Engine.Cluster;

/// <summary>What one node tells the others. All of it may be lost, late or repeated.</summary>
/// <param name="Epoch">The epoch of the log the sender is in: what belongs to another one is not for this node.</param>
internal abstract record LinkMessage(Guid Epoch)
{
    /// <summary>These are committed: contiguous versions, at least one.</summary>
    public sealed record Entries(Guid Epoch, IReadOnlyList<LogEntry> Committed) : LinkMessage(Epoch)
    {
        /// <summary>The append's trace context, if it is traced: the other nodes' dispatches join the same trace.</summary>
        public ActivityContext Trace { get; init; }
    }

    /// <summary>These versions are committed; their contents are in the log.</summary>
    public sealed record Position(Guid Epoch, long First, long Last) : LinkMessage(Epoch);

    /// <summary>The sender is there.</summary>
    public sealed record Hello(Guid Epoch) : LinkMessage(Epoch);

    /// <summary>What nodes tell each other of their people; the room Presence reads it.</summary>
    /// <param name="Epoch">As above.</param>
    /// <param name="Letter">A JSON object.</param>
    public sealed record Presence(Guid Epoch, ReadOnlyMemory<byte> Letter) : LinkMessage(Epoch);

    /// <summary>An ephemeral notification, for live sessions.</summary>
    public sealed record Ephemeral(Guid Epoch, LogEntry Notification) : LinkMessage(Epoch);

    /// <summary>A hub call to clients, wherever they are connected.</summary>
    /// <param name="Epoch">As above.</param>
    /// <param name="To">What the names are.</param>
    /// <param name="Names">Connections, groups or users; empty when it is for all.</param>
    /// <param name="Except">Connections that do not get it.</param>
    /// <param name="Method">The client's method.</param>
    /// <param name="Arguments">A JSON array.</param>
    public sealed record Signal(
        Guid Epoch,
        SignalTarget To,
        IReadOnlyList<string> Names,
        IReadOnlyList<string> Except,
        string Method,
        ReadOnlyMemory<byte> Arguments) : LinkMessage(Epoch);
}

/// <summary>The receivers of a signal.</summary>
internal enum SignalTarget : byte
{
    All = 0,
    Connections = 1,
    Groups = 2,
    Users = 3,
}
