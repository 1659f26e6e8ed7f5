using Notify.Engine.Delivery.Frames;
using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>
/// Something whose state is a function of the log: members, keys, counts, the sessions themselves. The tail hands it every
/// entry in version order, each once, one unit at a time; all calls come from the tail's loop, never two at a time.
/// </summary>
/// <remarks>
/// Appliers are called in a fixed order (<see cref="LogAppliers"/>), delivery last: what an entry changes is known before any
/// notification after it is delivered. While a call waits the tail stands still, so reads of storage belong only to what
/// seldom happens.
/// </remarks>
internal interface ILogApplier
{
    /// <summary>
    /// Loads its state before <paramref name="view"/> is published: at start, after a new epoch, and whenever the log is read
    /// anew. May be called again for the same epoch or another one without <see cref="Begin"/> in between.
    /// </summary>
    /// <returns>
    /// The epoch and the version that the state is as of; entries up to that version are not handed to it again. Where it is of
    /// another epoch, or below the end of the epoch's ring, the epoch does not begin, and the next look at the log tries again.
    /// </returns>
    ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken);

    /// <summary>The view is published: entries after its ring's end follow.</summary>
    void Begin(LogView view)
    {
    }

    /// <summary>
    /// Applies the entries of the unit. When it throws <see cref="StorageUnavailableException"/> the same unit comes again and
    /// nothing after it does: state is changed after what can fail, or so that it can be changed twice.
    /// </summary>
    ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken);
}

/// <summary>The last applier: it puts units into the ring, and offers them to the live sessions.</summary>
internal interface IDelivery : ILogApplier
{
    /// <summary>A notification that is not in the log, for the sessions that are live now.</summary>
    void DeliverEphemeral(DeliveryEntry entry);
}

/// <summary>
/// Consecutive entries that are applied and delivered together. A unit ends at an entry that changes interests, so that
/// nothing in it is delivered by interests that a later entry of the same unit ends.
/// </summary>
/// <param name="View">The log that they are of.</param>
/// <param name="Entries">At least one.</param>
/// <param name="HasChanges">Whether any of them is an internal entry.</param>
/// <param name="CommittedAt">When this node learned that they are committed: a time stamp of the TimeProvider.</param>
internal readonly record struct LogUnit(LogView View, DeliveryEntry[] Entries, bool HasChanges, long CommittedAt)
{
    public long First => Entries[0].Version;
    public long Last => Entries[^1].Version;

    /// <summary>The internal entries, in order.</summary>
    public IEnumerable<LogEntry> Changes => HasChanges ? Entries.Where(entry => !entry.IsNotification).Select(entry => entry.Entry) : [];
}
