using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Sessions;
using Notify.Storage.Log;

namespace Notify.Engine.Inbox;

/// <summary>A connection that is told the counts of its user's inbox, and the counts as far as they are kept in memory.</summary>
/// <remarks>
/// Counts are read once and then adjusted by what the tail brings, so that a notification for ten thousand connected members
/// is no query. Whatever changes them in another way (a mark, another credential, retention, an expiry) makes them be read
/// again. The tail and the loop that tells use this at the same time.
/// </remarks>
internal sealed class InboxWatcher(DeliverySession session, Func<TopicFilter, bool> covers)
{
    /// <summary>Items that only the inbox keeps leave it by their own age, which has no entry.</summary>
    private static readonly TimeSpan KeptItemsHold = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly List<(long Version, DateTimeOffset? ExpiresAt)> _meanwhile = [];
    private InboxAsked _asked = new(session.User!, covers);
    private InboxCounts? _kept;
    private DateTimeOffset? _holdsUntil;
    private bool _isReading;
    private int _changes;

    public DeliverySession Session => session;

    /// <summary>It waits to be told. Guarded by the gate of <see cref="InboxSignals"/>.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>When it was told last; only the loop that tells touches it.</summary>
    public long? ToldAt { get; set; }

    public void Cover(Func<TopicFilter, bool> covers)
    {
        lock (_gate)
        {
            _asked = new InboxAsked(session.User!, covers);
            DropLocked();
        }
    }

    /// <summary>What is known is no longer right, nor is what is being read.</summary>
    public void Drop()
    {
        lock (_gate) DropLocked();
    }

    /// <summary>A notification that came to the user, as the tail applies it.</summary>
    public void Arrived(LogEntry entry)
    {
        lock (_gate)
        {
            if (_isReading) _meanwhile.Add((entry.Version, entry.ExpiresAt));
            Add(entry.Version, entry.ExpiresAt);
        }
    }

    /// <summary>The counts if they are known, as of what the node has applied.</summary>
    public InboxCounts? Known(Guid epoch, long applied, DateTimeOffset now)
    {
        lock (_gate)
        {
            if (_kept is null) return null;
            if (_holdsUntil <= now || _kept.Epoch != epoch) return _kept = null;
            return _kept with { Head = Math.Max(_kept.Head, applied) };
        }
    }

    /// <summary>From here on what arrives is noted, since the reading may have it or not.</summary>
    public (InboxAsked Asked, int Changes) BeginReading()
    {
        lock (_gate)
        {
            _isReading = true;
            _meanwhile.Clear();
            return (_asked, _changes);
        }
    }

    /// <summary>
    /// The reading was made, or failed. It is kept when nothing changed meanwhile but by arrivals: those above its head are not in it.
    /// </summary>
    /// <returns>False when it was asked through another credential: it must not be told.</returns>
    public bool EndReading((InboxAsked Asked, int Changes) begun, InboxCounts? read, DateTimeOffset now)
    {
        lock (_gate)
        {
            _isReading = false;
            if (read is { AtLeast: false } && begun.Changes == _changes)
            {
                _kept = read;
                _holdsUntil = read.NextExpiry;
                if (read.HasKeptItems && (_holdsUntil is null || _holdsUntil > now + KeptItemsHold)) _holdsUntil = now + KeptItemsHold;
                foreach (var (version, expiresAt) in _meanwhile) Add(version, expiresAt);
            }

            _meanwhile.Clear();
            return ReferenceEquals(begun.Asked, _asked);
        }
    }

    private void Add(long version, DateTimeOffset? expiresAt)
    {
        if (_kept is null || version <= _kept.Head) return;
        _kept = _kept with { Unread = _kept.Unread + 1, Unseen = _kept.Unseen + 1, Head = version };
        if (expiresAt is { } at && (_holdsUntil is null || at < _holdsUntil)) _holdsUntil = at;
    }

    private void DropLocked()
    {
        _kept = null;
        _changes++;
    }
}
