using Notify.Engine.Delivery.Frames;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>
/// The fixed list of appliers: those of people's changes in the order of their registration, delivery last. Cuts what the
/// tail follows into units and hands each to all of them, to every one exactly once: a unit that one of them could not
/// apply is kept, and goes on from there before anything else.
/// </summary>
internal sealed class LogAppliers
{
    /// <summary>A unit is small enough that one of them never fills a healthy session's queue.</summary>
    private const int UnitEntries = 250;
    private const int UnitBytes = 256 * 1024;

    private readonly List<DeliveryEntry> _gathered = [];
    private readonly ILogApplier[] _inOrder;
    private readonly long[] _loadedAt;
    private readonly IDelivery _delivery;
    private LogUnit? _unfinished;
    private int _next;

    public LogAppliers(IEnumerable<ILogApplier> people, IDelivery delivery)
    {
        _delivery = delivery;
        _inOrder = [.. people, delivery];
        _loadedAt = new long[_inOrder.Length];
    }

    /// <summary>The last internal entry that was applied, or the version that state was loaded up to.</summary>
    public long LastChange { get; private set; }

    /// <summary>Has every applier load its state; false when one of them saw another log than <paramref name="view"/>.</summary>
    public async ValueTask<bool> LoadAsync(LogView view, CancellationToken cancellationToken)
    {
        for (var i = 0; i < _inOrder.Length; i++)
        {
            var asOf = await _inOrder[i].LoadAsync(view, cancellationToken);
            if (asOf.Epoch != view.EpochId || asOf.Head < view.Ring.End) return false;
            _loadedAt[i] = asOf.Head;
        }

        return true;
    }

    /// <summary>The view is published, and goes on from the end of its ring.</summary>
    public void Begin(LogView view)
    {
        _unfinished = null;
        LastChange = view.Ring.End;
        foreach (var applier in _inOrder) applier.Begin(view);
    }

    public void DeliverEphemeral(DeliveryEntry entry) => _delivery.DeliverEphemeral(entry);

    /// <summary>Goes on with a unit that an applier could not apply before.</summary>
    public ValueTask FinishAsync(CancellationToken cancellationToken) => _unfinished is null ? ValueTask.CompletedTask : ApplyUnitAsync(cancellationToken);

    /// <summary>Applies these entries but the first <paramref name="skip"/>.</summary>
    /// <param name="view">The log that they are of.</param>
    /// <param name="entries">Contiguous versions, in order.</param>
    /// <param name="skip">How many of them were applied before.</param>
    /// <param name="committedAt">When this node learned of them: a time stamp.</param>
    /// <param name="cancellationToken">The node stops.</param>
    /// <exception cref="UnknownEntryException">The node must stop.</exception>
    /// <exception cref="StorageUnavailableException">The rest is to be handed over again, after <see cref="FinishAsync"/>.</exception>
    public async ValueTask ApplyAsync(LogView view, IReadOnlyList<LogEntry> entries, int skip, long committedAt, CancellationToken cancellationToken)
    {
        _gathered.Clear(); // what was left when a unit failed is handed over again
        var bytes = 0;
        var hasChanges = false;
        for (var i = skip; i < entries.Count; i++)
        {
            var entry = new DeliveryEntry(entries[i]);
            if (_gathered.Count > 0 && (_gathered.Count == UnitEntries || bytes + entry.EstimatedBytes > UnitBytes))
            {
                await ApplyGatheredAsync(view, hasChanges, committedAt, cancellationToken);
                (bytes, hasChanges) = (0, false);
            }

            _gathered.Add(entry);
            bytes += entry.EstimatedBytes;
            if (entry.IsNotification ? !IsLoadedUpTo(entry.Version) : !EndsUnit(entry, ref hasChanges)) continue;
            await ApplyGatheredAsync(view, hasChanges, committedAt, cancellationToken);
            (bytes, hasChanges) = (0, false);
        }

        if (_gathered.Count > 0) await ApplyGatheredAsync(view, hasChanges, committedAt, cancellationToken);
    }

    /// <summary>Throws when this version of the program does not know what the entry is: it could be a revocation.</summary>
    public static void RequireKnown(LogEntry entry)
    {
        if (!DirectoryEntry.IsKnown(entry.Kind)) throw new UnknownEntryException(entry.Version, entry.Kind);
    }

    // Marks of inboxes change no interests: a unit may go on after them.
    private bool EndsUnit(DeliveryEntry entry, ref bool hasChanges)
    {
        RequireKnown(entry.Entry);
        hasChanges = true;
        return entry.Entry.Kind != EntryKind.InboxMarked || IsLoadedUpTo(entry.Version);
    }

    // A unit ends where an applier's snapshot does: it gets all of a unit or nothing.
    private bool IsLoadedUpTo(long version)
    {
        foreach (var loadedAt in _loadedAt)
        {
            if (loadedAt == version) return true;
        }

        return false;
    }

    private ValueTask ApplyGatheredAsync(LogView view, bool hasChanges, long committedAt, CancellationToken cancellationToken)
    {
        _unfinished = new LogUnit(view, [.. _gathered], hasChanges, committedAt);
        _next = 0;
        _gathered.Clear();
        return ApplyUnitAsync(cancellationToken);
    }

    private async ValueTask ApplyUnitAsync(CancellationToken cancellationToken)
    {
        var unit = _unfinished!.Value;
        for (; _next < _inOrder.Length; _next++)
        {
            if (_next == _inOrder.Length - 1)
            {
                if (unit.HasChanges) LastChange = unit.Changes.Last().Version;
                unit.View.Pass(unit.Last); // before it is in the ring: no page goes beyond what was applied
            }

            if (unit.Last > _loadedAt[_next]) await _inOrder[_next].ApplyAsync(unit, cancellationToken);
        }

        _unfinished = null;
    }
}
