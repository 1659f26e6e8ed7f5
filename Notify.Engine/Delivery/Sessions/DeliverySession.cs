using System.Diagnostics.CodeAnalysis;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Tail;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// One connection's way along the log: a cursor that is either catching up (a loop reads pages for it) or live (the
/// dispatcher offers it what matches). Memory is bounded by the queue; a client too slow for it goes back to catching up
/// from where it was, at its own speed.
/// </summary>
/// <remarks>
/// Invariants, all under the gate: <c>version &lt;= cursor</c> is never handed over again; at most one of the catch-up
/// loop and the pump writes to the sink; Live is entered only when the ring ends at the cursor, and the dispatcher
/// appends to the ring before it offers, so nothing falls between the two.
/// </remarks>
internal sealed class DeliverySession : Subscriber
{
    private readonly Lock _gate = new();
    private readonly ISessionSink _sink;
    private readonly SessionScheduler _scheduler;
    private readonly LimitSettings _limits;
    private readonly Interests _interests;
    private SessionQueue _queue;
    private SessionState _state;
    private LogView? _view;
    private long _cursor;
    private bool _pumping;
    private bool _owesCaughtUp;
    private bool _startsWithEpochGap;
    private long _lastSentAt;
    private SessionSignals _signals;
    private UserIntervals _ofUser;
    private WritePace _pace; // its one writer's: the pump or the catch-up loop; what an offer reads may be one write old

    public DeliverySession(ISessionSink sink, Router router, SessionScheduler scheduler, LimitSettings limits)
    {
        _sink = sink;
        _scheduler = scheduler;
        _limits = limits;
        _interests = new Interests(this, router);
        _ofUser = new UserIntervals(_interests);
    }

    public SessionState State => _state;

    /// <summary>Whose connection it is; null for one without a user.</summary>
    public string? User { get; init; }

    /// <summary>The user's number in the directory; 0 until it was read, and without a user.</summary>
    public long UserNumber { get; set; }

    /// <summary>The connection's device; null when it named none.</summary>
    public string? Device { get; init; }

    /// <summary>Names the connection on its node.</summary>
    public string ConnectionId { get; init; } = "";

    /// <summary>Since when it is connected.</summary>
    public DateTimeOffset ConnectedAt { get; init; }

    /// <summary>The client closed the connection itself: it is not expected back at once.</summary>
    public bool LeftInOrder { get; set; }

    /// <summary>What it followed when it was closed.</summary>
    public IReadOnlyList<TopicFilter> FollowedAtEnd { get; private set; } = [];

    /// <summary>The last version handed to the connection or passed over.</summary>
    public long Cursor => Volatile.Read(ref _cursor);

    public ISessionSink Sink => _sink;

    /// <summary>The dispatcher's notes on this session for the unit at hand; only its thread touches them.</summary>
    internal UnitNotes Notes;

    internal int FilterStamp => _interests.Stamp;

    /// <summary>Takes what the session follows and its starting point; nothing is sent before <see cref="Start"/>.</summary>
    /// <returns>False when the session was resumed before, or is closed.</returns>
    public bool TryResume(SessionBeginning beginning)
    {
        lock (_gate)
        {
            if (_state != SessionState.Idle) return false;
            _view = beginning.View;
            _cursor = beginning.Since;
            _startsWithEpochGap = beginning.IsForeign;
            _owesCaughtUp = true;
            _ofUser.Covers = beginning.Access.Covers;
            _state = SessionState.Resumed;
            _interests.Add(InterestKind.Named, beginning.Named);
            _interests.Activate(beginning.NamedFrom);
            _interests.Add(InterestKind.Token, beginning.Access.TokenGroups);
            _interests.Activate(beginning.Since);
            if (beginning.Own is not null) _interests.AddOwn(beginning.Own);
            if (beginning.Reading is not null) _ofUser.Take(beginning.Reading, _view);
            return true;
        }
    }

    /// <summary>Begins to send: once, after the answer to Resume is on the wire.</summary>
    public void Start()
    {
        lock (_gate)
        {
            if (_state != SessionState.Resumed) return;
            _state = SessionState.CatchingUp;
        }

        _scheduler.CatchUp(this);
    }

    /// <summary>Follows more; only versions above <paramref name="head"/> come for the new filters.</summary>
    /// <returns>False when there are too many filters then, or the session is not resumed.</returns>
    public bool TrySubscribe(IReadOnlyCollection<TopicFilter> filters, out long head, out IReadOnlyList<string> topics)
    {
        lock (_gate)
        {
            head = 0;
            topics = [];
            if (_view is null || _state == SessionState.Closed) return false;
            if (_interests.NamedCount + filters.Count(f => !_interests.IsNamed(f)) > _limits.FiltersPerConnection) return false;

            _interests.Add(InterestKind.Named, filters);
            head = KnownHead;
            _interests.Activate(head);
            topics = _interests.Named;
            return true;
        }
    }

    /// <summary>Follows less. After it nothing is queued that only a removed filter matched.</summary>
    public IReadOnlyList<string> Unsubscribe(IEnumerable<TopicFilter> filters)
    {
        lock (_gate)
        {
            _interests.Remove(InterestKind.Named, filters);
            return _interests.Named;
        }
    }

    /// <summary>What the client follows.</summary>
    public IReadOnlyList<string> Topics
    {
        get
        {
            lock (_gate) return _interests.Named;
        }
    }

    /// <summary>The dispatcher's offer of a unit. Returns true when the session has just become ready to be pumped.</summary>
    public bool Offer(DispatchUnit unit)
    {
        lock (_gate)
        {
            if (_state != SessionState.Live || !ReferenceEquals(_view, unit.View)) return false;

            var frame = Notes.Individually || Notes.Stamp != _interests.Stamp || _cursor >= unit.First
                ? unit.FrameFor(_interests, _cursor)
                : Notes.Share!.Frame;
            if (frame is null) return false;

            if (!_queue.Fits(frame, _limits.SessionQueueEntries, _limits.SessionQueueBytes))
            {
                // A slow consumer. What is queued still goes out; the rest is read from the log at its own speed.
                _cursor = Math.Max(_cursor, unit.First - 1);
                _state = SessionState.CatchingUp;
                _scheduler.Metrics.SlowConsumers.Add(1);
                return false;
            }

            _cursor = Math.Max(_cursor, unit.Last);
            if (_pace.IsQuick || frame.EstimatedBytes <= NotificationFrame.PieceBytes) return Enqueue(frame);
            var isReady = false;
            foreach (var piece in AtItsPace(frame)) isReady |= Enqueue(piece);
            return isReady;
        }
    }

    /// <summary>An ephemeral notification: only for a live session with room for it.</summary>
    public bool OfferEphemeral(OutgoingFrame frame, DeliveryEntry entry)
    {
        lock (_gate)
        {
            if (_state != SessionState.Live || !_interests.Want(entry.Version, entry.Topic)) return false;
            if (_queue.Fits(frame, _limits.SessionQueueEntries, _limits.SessionQueueBytes)) return Enqueue(frame);
            _scheduler.Metrics.EphemeralDropped.Add(1);
            return false;
        }
    }

    /// <summary>
    /// A signal for the client, such as <see cref="ClientMethods.InboxChanged"/>: it goes before what is queued, between two
    /// pages while catching up, and replaces an older one of the same key that still waits.
    /// </summary>
    public void Signal(string key, OutgoingFrame frame)
    {
        if (_sink.Encoder.Format == FrameFormat.ServerSentEvents) return; // signals are the hub's
        lock (_gate)
        {
            if (_state is SessionState.Idle or SessionState.Closed) return;
            _signals.Add(key, frame);
            if (_state != SessionState.Live || _pumping) return;
            _pumping = true;
        }

        _scheduler.Ready(this);
    }

    /// <summary>The catch-up loop's: the next signal to send between two pages.</summary>
    public bool TryTakeSignal([NotNullWhen(true)] out OutgoingFrame? frame)
    {
        lock (_gate) return _signals.TryTake(out frame);
    }

    /// <summary>Writes what is queued until the queue is empty or the client is slow. Called by the scheduler, one call at a time.</summary>
    public void Pump()
    {
        while (TryTake(out var frame))
        {
            var write = WriteAsync(frame);
            if (write.IsCompletedSuccessfully) continue;
            _ = PumpAgainAfterAsync(write);
            return;
        }
    }

    /// <summary>Hands a frame to the connection, and learns its pace. Called by the pump or by the catch-up loop, whichever runs.</summary>
    public ValueTask WriteAsync(OutgoingFrame frame)
    {
        _scheduler.Metrics.Delivered(frame.Entries);
        var write = _sink.WriteAsync(frame.For(_sink.Encoder));
        if (!write.IsCompletedSuccessfully) return TimedAsync(frame, write);
        _pace.Took(frame);
        return write;
    }

    /// <summary>Says Progress when the log moved on and nothing was sent for <paramref name="quiet"/>. Returns true when ready to be pumped.</summary>
    public bool OfferProgress(LogView view, long dispatched, Func<long, OutgoingFrame> frameOf, long now, TimeSpan quiet)
    {
        lock (_gate)
        {
            // With an empty queue a live session has passed everything that was dispatched.
            if (_state != SessionState.Live || _pumping || !_queue.IsEmpty || !ReferenceEquals(_view, view)) return false;
            if (dispatched <= _cursor || _scheduler.Time.GetElapsedTime(_lastSentAt, now) < quiet) return false;
            _cursor = dispatched;
            return Enqueue(frameOf(dispatched));
        }
    }

    /// <summary>The log is another one, or read anew: a live session goes back to catching up, where it learns of it.</summary>
    public void LeaveView(LogView current)
    {
        lock (_gate)
        {
            if (_state != SessionState.Live) return;
            _state = SessionState.CatchingUp;

            // Of the same log what is queued still goes out: the cursor is past it already.
            if (_view!.EpochId != current.EpochId) _queue.Clear();
            if (!_pumping) _scheduler.CatchUp(this);
        }
    }

    // The user's intervals. They change with the log: an entry is applied here before the ring has it.

    /// <summary>Keeps what was read for an epoch, or a new beginning of this one, until the session goes over to it.</summary>
    public void Prepare(IntervalReading reading)
    {
        lock (_gate) _ofUser.Prepare(reading);
    }

    /// <summary>A membership or durable subscription of the user begins.</summary>
    /// <returns>False when it was known already, or is of another epoch of the log.</returns>
    public bool Begin(Guid epoch, UserInterest interest)
    {
        lock (_gate) return _ofUser.Begin(epoch, interest, OpenView);
    }

    /// <summary>A membership or durable subscription of the user ends: it holds for this version and those below.</summary>
    /// <returns>False when there was none, or it is of another epoch of the log.</returns>
    public bool End(Guid epoch, InterestKind kind, TopicFilter filter, long at)
    {
        lock (_gate) return _ofUser.End(epoch, kind, filter, at, OpenView);
    }

    /// <summary>Takes what has ended out of the index, after the dispatcher has passed its end.</summary>
    /// <returns>False when something is left there.</returns>
    public override bool SweepEnded(long dispatched)
    {
        lock (_gate) return _interests.Sweep(dispatched, _state == SessionState.Live && !_pumping && _queue.IsEmpty ? _cursor : -1);
    }

    /// <summary>The durable subscriptions of its user, sleeping ones included.</summary>
    public IReadOnlyList<string> Durable
    {
        get
        {
            lock (_gate) return [.. _interests.Texts(InterestKind.Durable).Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>The names of the groups that its user is a member of.</summary>
    public IReadOnlyList<string> Groups
    {
        get
        {
            lock (_gate)
                return [.. _interests.Texts(InterestKind.Membership).Select(topic => topic[TopicName.OfGroup("").Length..]).Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Whether the client may have everything up to this version: it was sent or passed in the log's present epoch.</summary>
    public bool MayAcknowledge(long version, out Guid epoch)
    {
        lock (_gate)
        {
            // Until the Gap is sent the cursor is the client's own number, of another epoch of the log.
            epoch = _view?.EpochId ?? Guid.Empty;
            return _view is not null && !_startsWithEpochGap && version <= _cursor;
        }
    }

    /// <summary>Another credential: what it does not cover stops at once, in the queue and in the middle of a page too.</summary>
    /// <returns>The named filters that are left.</returns>
    public IReadOnlyList<string> Reauthenticate(SessionAccess access)
    {
        lock (_gate)
        {
            _ofUser.Covers = access.Covers;
            if (_view is null || _state == SessionState.Closed) return [];
            _interests.Cover(access.Covers, _view.Ring.End);
            _interests.Keep(InterestKind.Token, access.TokenGroups);
            _interests.Add(InterestKind.Token, access.TokenGroups);
            _interests.Activate(KnownHead);
            return _interests.Named;
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            if (_state == SessionState.Closed) return;
            _state = SessionState.Closed;
            _queue.Clear();
            FollowedAtEnd = _interests.Followed();
            _interests.Clear();
        }
    }

    // The catch-up loop's side: while the state is CatchingUp and no pump runs, the cursor is its own.

    public bool IsCatchingUp => _state == SessionState.CatchingUp;

    /// <summary>Where the loop reads on, in which epoch, and for which filters.</summary>
    public SessionPlace Place()
    {
        lock (_gate) return new SessionPlace(_view!, _cursor, KnownThrough, _interests.Filters(_cursor), _interests.Stamp, _interests.SharedKey(_cursor));
    }

    /// <summary>Becomes live when the ring ends at the cursor (or the client is ahead of this node's tail).</summary>
    public bool TryGoLive(LogView current)
    {
        lock (_gate)
        {
            if (_state != SessionState.CatchingUp) return true;
            if (_startsWithEpochGap || !ReferenceEquals(_view, current) || current.Ring.End > _cursor) return false;
            _state = SessionState.Live;
            _lastSentAt = _scheduler.Time.GetTimestamp();
            if (!_owesCaughtUp)
            {
                if (_signals.IsEmpty || _pumping) return true;
                _pumping = true;
                _scheduler.Ready(this);
                return true;
            }

            _owesCaughtUp = false;
            if (Enqueue(new ControlFrame(ClientMethods.CaughtUp, new CaughtUp(_cursor, current.Epoch)))) _scheduler.Ready(this);
            return true;
        }
    }

    /// <summary>Whether the session has to read its user's intervals before it goes over to this view of the log.</summary>
    public bool MustReadUser(LogView current)
    {
        lock (_gate) return !ReferenceEquals(_view, current) && _ofUser.MustRead(current);
    }

    /// <summary>
    /// The Gap to send when the log is another one than the client's, or this node gave it something else than the log
    /// has; the session then stands before the first version that it must read again.
    /// </summary>
    public Gap? AdoptView(LogView current)
    {
        lock (_gate)
        {
            if (!_startsWithEpochGap && ReferenceEquals(_view, current)) return null;
            var differsFrom = _startsWithEpochGap || _view!.EpochId != current.EpochId ? null : current.DiffersFrom;
            _startsWithEpochGap = false;
            _view = current;
            _ofUser.GoOverTo(current);
            if (differsFrom > _cursor) return null;
            return differsFrom is { } from
                ? GapTo(Math.Max(from, current.Oldest), GapReasons.Epoch, restart: false)
                : GapTo(current.Oldest, GapReasons.Epoch, restart: true);
        }
    }

    /// <summary>The Gap to send when what the session would read next is no longer kept.</summary>
    public Gap SkipTo(long oldest)
    {
        lock (_gate) return GapTo(oldest, GapReasons.Retention, restart: false);
    }

    /// <summary>Whether this version comes to the session's user, on every device: it is in the inbox.</summary>
    public bool ComesToUser(long version, string topic)
    {
        lock (_gate) return _interests.IsOfUser(version, topic);
    }

    /// <summary>
    /// What the connection itself brings to this version: what it named, its token's groups, and durable subscriptions that its token lets
    /// sleep.
    /// </summary>
    public IReadOnlyList<InterestVerdict> Explain(long version, string topic)
    {
        lock (_gate)
            return _interests.Explain(version, topic).FindAll(interest => interest.Kind is InterestKind.Named or InterestKind.Token || interest.IsAsleep);
    }

    /// <summary>Whether the connection follows the topic now.</summary>
    public bool Follows(string topic)
    {
        lock (_gate) return _interests.Follows(topic);
    }

    /// <summary>Of these entries, the ones this session gets.</summary>
    public void Select(IReadOnlyList<DeliveryEntry> entries, DateTimeOffset now, List<DeliveryEntry> wanted)
    {
        lock (_gate)
        {
            _interests.Select(entries, _cursor, wanted);
            wanted.RemoveAll(entry => entry.HasExpired(now));
        }
    }

    /// <summary>The frame whole, or in the pieces that its client takes.</summary>
    public IReadOnlyList<NotificationFrame> AtItsPace(NotificationFrame frame) => _pace.IsQuick ? [frame] : frame.Pieces;

    public void Advance(long cursor)
    {
        lock (_gate) _cursor = Math.Max(_cursor, cursor);
    }

    private LogView? OpenView => _state == SessionState.Closed ? null : _view;

    /// <summary>A filter that begins now begins above everything that this node knows of, has applied or has examined for the session.</summary>
    private long KnownHead => Math.Max(Math.Max(_view!.Ring.End, _view.Head), KnownThrough);

    /// <summary>The session's interests are complete up to here: by what the node has applied, or by the reading itself.</summary>
    private long KnownThrough => Math.Max(_view!.Applied, _ofUser.Head);

    private Gap GapTo(long oldest, string reason, bool restart)
    {
        var gap = new Gap(_cursor, oldest, Math.Max(_view!.Head, oldest - 1), _view.Epoch, reason);
        _cursor = oldest - 1;
        if (restart) _interests.RestartFrom(_cursor);
        return gap;
    }

    private bool Enqueue(OutgoingFrame frame)
    {
        _queue.Add(frame, _interests.Stamp);
        if (_pumping) return false;
        return _pumping = true;
    }

    private bool TryTake(out OutgoingFrame frame)
    {
        lock (_gate)
        {
            frame = null!;
            if (_state != SessionState.Closed && _signals.TryTake(out var signal))
            {
                frame = signal;
                return true;
            }

            while (!_queue.IsEmpty && _state != SessionState.Closed)
            {
                var (queued, stamp) = _queue.Take();
                if ((stamp == _interests.Stamp ? queued : StillWanted(queued)) is not { } left) continue;
                var joins = _pace.IsQuick && stamp == _interests.Stamp;
                frame = joins && left is NotificationFrame first ? _queue.TakeTogether(first, stamp, _scheduler.Joined) : left;
                return true;
            }

            _pumping = false;
            _lastSentAt = _scheduler.Time.GetTimestamp();
            if (_state == SessionState.CatchingUp) _scheduler.CatchUp(this);
            return false;
        }
    }

    /// <summary>What of a queued frame still comes after the session has unsubscribed or its token has narrowed; null for nothing.</summary>
    private OutgoingFrame? StillWanted(OutgoingFrame queued) =>
        queued is NotificationFrame notifications ? notifications.Where(entry => _interests.Want(entry.Version, entry.Topic)) : queued;

    private async ValueTask TimedAsync(OutgoingFrame frame, ValueTask write)
    {
        var began = _scheduler.Time.GetTimestamp();
        await write;
        _pace.Took(frame, _scheduler.Time.GetElapsedTime(began));
    }

    private async Task PumpAgainAfterAsync(ValueTask write)
    {
        try
        {
            await write;
        }
        catch (Exception)
        {
            // The connection broke under the write. If its end is not known yet it must not stay connected but receive nothing.
            _sink.CloseForReconnect();
            return;
        }

        _scheduler.Ready(this);
    }
}
