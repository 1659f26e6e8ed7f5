using Notify.Storage.Log;

namespace Notify.Storage.Nodes;

/// <summary>
/// The running nodes, each under a lease that it renews, on the database's time; and the gate for new kinds of entry. Postgres
/// and SQLite implement it under one specification.
/// </summary>
/// <remarks>Every member may throw <see cref="StorageUnavailableException"/>: nothing happened then.</remarks>
public interface INodes
{
    /// <summary>The highest kind of entry of the first version that had leases: every node of the table knows it and those below.</summary>
    const short BaseKind = (short)EntryKind.InboxMarked;

    /// <summary>Takes the node's lease or renews it, and ends those that have expired.</summary>
    /// <param name="node">As it is now.</param>
    /// <param name="lease">For how long; the row of a node that does not renew it ends then.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<LeaseAnswer> RenewAsync(NodeState node, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Ends the node's lease: it stops in order.</summary>
    Task EndAsync(Guid node, CancellationToken cancellationToken);

    /// <summary>
    /// Opens the gate up to this kind, as far as every node in the table knows the kinds; what is open stays so, and a node that
    /// does not know all of it gets no lease any more.
    /// </summary>
    /// <returns>The highest kind that may be written.</returns>
    Task<short> OpenGateAsync(short kind, CancellationToken cancellationToken);

    /// <summary>What is stored, counted, and the nodes that are there.</summary>
    Task<StorageStatistics> ReadStatisticsAsync(CancellationToken cancellationToken);

    /// <summary>Remembers that these users were seen now; coarse: not again within <paramref name="coarse"/>.</summary>
    Task SeenAsync(IReadOnlyCollection<string> users, TimeSpan coarse, CancellationToken cancellationToken);

    /// <summary>When the user was last seen; null: never.</summary>
    Task<DateTimeOffset?> LastSeenAsync(string user, CancellationToken cancellationToken);
}

/// <summary>A node that renews its lease.</summary>
/// <param name="Id">Of this process.</param>
/// <param name="Version">The product version.</param>
/// <param name="Host">The machine's name.</param>
/// <param name="Age">How long it has been running: its start is told on the database's time.</param>
/// <param name="Connections">How many it has.</param>
/// <param name="Head">How far it has applied the log.</param>
/// <param name="Knows">The highest kind of entry that it can read.</param>
public sealed record NodeState(Guid Id, string Version, string Host, TimeSpan Age, int Connections, long Head, short Knows);

/// <summary>The answer to a renewal.</summary>
/// <param name="IsHeld">False: kinds of entry are in use that the node does not know; it is not in the table.</param>
/// <param name="Opened">The highest kind that may be written.</param>
/// <param name="Nodes">The nodes whose leases hold, this one included.</param>
public sealed record LeaseAnswer(bool IsHeld, short Opened, IReadOnlyList<Guid> Nodes);

/// <summary>A node of the table.</summary>
/// <param name="Id">Of its process.</param>
/// <param name="Version">The product version.</param>
/// <param name="Connections">How many it had when it renewed its lease last.</param>
/// <param name="StartedAt">When it started, by the database's clock.</param>
/// <param name="Head">How far it had applied the log.</param>
public sealed record NodeRecord(Guid Id, string Version, int Connections, DateTimeOffset StartedAt, long Head);

/// <summary>What is stored, and by which nodes.</summary>
/// <param name="Head">Where the log is.</param>
/// <param name="Topics">Topics that something was published to.</param>
/// <param name="Users">Users that were ever mentioned.</param>
/// <param name="Nodes">Those whose leases hold, the longest running first.</param>
public sealed record StorageStatistics(LogHead Head, long Topics, long Users, IReadOnlyList<NodeRecord> Nodes);
