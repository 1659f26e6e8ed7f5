using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Frames;

namespace Notify.Engine.Delivery.Routing;

/// <summary>
/// What one session follows, and the one place that decides whether a version on a topic comes to it. Guarded by the
/// session's gate; what of it the index has changes under the router's gate as well.
/// </summary>
internal sealed class Interests(Subscriber session, Router router)
{
    /// <summary>Sessions with more interests than this seldom have a twin.</summary>
    private const int SharedFilters = 8;

    /// <summary>With more interests than this, and so many entries to look at, a look-up by topic is made first.</summary>
    private const int LookUpFrom = 16;

    /// <summary>Ended intervals kept until they are dropped together.</summary>
    private const int EndedKept = 16;

    private InterestList _held = new();
    private int _stamp;
    private long _changesThrough;
    private string? _names;

    public Subscriber Session => session;

    /// <summary>The index's number of this holder; 0 while it has nothing there. Changes under the router's gate.</summary>
    public int Number { get; set; }

    /// <summary>How many filters of this holder the index has. Changes under the router's gate.</summary>
    public int Indexed { get; set; }

    /// <summary>
    /// Changes after an interest has left the index. The dispatcher notes it while it reads the index; another one at the
    /// time of the offer means that what it found may no longer hold, and the session is looked at by itself.
    /// </summary>
    public int Stamp => Volatile.Read(ref _stamp);

    /// <summary>
    /// The last version at which an interest begins or ends; <see cref="long.MaxValue"/> while the index still holds one that
    /// ends. A unit that does not begin above it is selected entry by entry: the index knows filters, not their intervals.
    /// </summary>
    public long ChangesThrough => Volatile.Read(ref _changesThrough);

    /// <summary>Filters that the connection named: what the limit counts.</summary>
    public int NamedCount
    {
        get
        {
            var named = 0;
            foreach (ref readonly var interest in _held.All)
            {
                if (interest.Kind == InterestKind.Named) named++;
            }

            return named;
        }
    }

    /// <summary>What the client named, in its order.</summary>
    public IReadOnlyList<string> Named => Texts(InterestKind.Named);

    public bool IsNamed(TopicFilter filter) => Find(InterestKind.Named, filter) >= 0;

    /// <summary>The filters of a kind whose intervals are open; sleeping ones included.</summary>
    public IReadOnlyList<string> Texts(InterestKind kind)
    {
        var texts = new List<string>();
        for (var i = 0; i < _held.Count; i++)
        {
            if (_held[i].Kind == kind && _held.IsOpen(i)) texts.Add(router.Names.Text(_held[i].Filter));
        }

        return texts;
    }

    /// <summary>
    /// Puts filters into the index; they bring nothing until <see cref="Activate"/> gives them their version, so that a unit
    /// dispatched in between is either above that version or was before the call.
    /// </summary>
    public void Add(InterestKind kind, IEnumerable<TopicFilter> filters)
    {
        foreach (var filter in filters)
        {
            if (Find(kind, filter) < 0) Insert(kind, filter, long.MaxValue, Interest.Open, isIndexed: true, asleep: false);
        }
    }

    /// <summary>The user's own topic has no interval: the cursor alone says what of it is still to come.</summary>
    public void AddOwn(TopicFilter topic) => Insert(InterestKind.Own, topic, 0, Interest.Open, isIndexed: true, asleep: false);

    /// <summary>Gives what was added its version.</summary>
    public void Activate(long from)
    {
        for (var i = 0; i < _held.Count; i++)
        {
            if (_held[i].From == long.MaxValue) _held[i].From = from;
        }

        NoteChanges();
    }

    /// <summary>The log is another one: what the connection named and the token's groups begin again there.</summary>
    public void RestartFrom(long from)
    {
        for (var i = 0; i < _held.Count; i++)
        {
            if (_held[i].Kind is InterestKind.Named or InterestKind.Token) _held[i].From = from;
        }

        NoteChanges();
    }

    /// <summary>Ends filters at once, whatever is queued.</summary>
    public void Remove(InterestKind kind, IEnumerable<TopicFilter> filters)
    {
        foreach (var filter in filters)
        {
            for (int at; (at = Find(kind, filter)) >= 0;) RemoveAt(at);
        }
    }

    /// <summary>Ends what is not among these.</summary>
    public void Keep(InterestKind kind, IReadOnlyCollection<TopicFilter> filters)
    {
        for (var i = _held.Count - 1; i >= 0; i--)
        {
            if (_held[i].Kind == kind && !filters.Contains(FilterAt(i))) RemoveAt(i);
        }
    }

    /// <summary>Begins an interval of the user. One that is known already stays as it is.</summary>
    /// <param name="interval">As stored; it may have its end already.</param>
    /// <param name="covered">Whether the token covers the filter; anything else of the user's needs no grant.</param>
    /// <param name="dispatched">What ends at or below it is kept for catching up, but not indexed: it is in the ring already.</param>
    /// <returns>False when it was known.</returns>
    public bool Begin(UserInterest interval, bool covered, long dispatched)
    {
        var filter = router.Find(interval.Filter);
        for (var i = 0; i < _held.Count && filter > 0; i++)
        {
            ref readonly var known = ref _held[i];
            if (known.Filter != filter || known.Kind != interval.Kind || known.From != interval.Since) continue;
            if (interval.Until >= _held.Until(i)) return false;
            EndAt(i, interval.Until);
            NoteChanges();
            return true;
        }

        Insert(interval.Kind, interval.Filter, interval.Since, interval.Until, covered && interval.Until > dispatched, !covered);
        return true;
    }

    /// <summary>Ends the interval in which this version lies: it still holds for the version itself and those below.</summary>
    /// <returns>Whether there was one.</returns>
    public bool End(InterestKind kind, TopicFilter filter, long at)
    {
        var ended = false;
        var number = router.Find(filter);
        for (var i = 0; i < _held.Count && number > 0; i++)
        {
            ref readonly var interest = ref _held[i];
            if (interest.Filter != number || interest.Kind != kind || interest.From >= at || _held.Until(i) <= at) continue;
            EndAt(i, at);
            ended = true;
        }

        if (ended) NoteChanges();
        return ended;
    }

    /// <summary>Takes ended intervals out of the index once the dispatcher has passed their ends, and in time drops them.</summary>
    /// <returns>False when one is left in the index.</returns>
    /// <param name="dispatched">Every live session was offered everything up to here.</param>
    /// <param name="passed">Nothing up to here will be selected any more: the session is past it and nothing is queued.</param>
    public bool Sweep(long dispatched, long passed)
    {
        var ended = 0;
        var isDone = true;
        for (var i = 0; i < _held.Count; i++)
        {
            if (_held.Until(i) > dispatched)
            {
                isDone &= _held.IsOpen(i) || !_held[i].Indexed;
                continue;
            }

            TakeOutOfIndex(i);
            if (_held.Until(i) <= passed) ended++;
        }

        for (var i = _held.Count - 1; i >= 0 && ended > EndedKept; i--)
        {
            if (_held.Until(i) <= passed) RemoveAt(i);
        }

        return isDone;
    }

    /// <summary>Puts these in the place of everything that is the user's by interval: the log is another one, or read anew.</summary>
    public void ReplaceIntervals(IReadOnlyCollection<UserInterest> intervals, Func<TopicFilter, bool> covers, long dispatched)
    {
        for (var i = _held.Count - 1; i >= 0; i--)
        {
            if (_held[i].Kind is InterestKind.Membership or InterestKind.Durable) RemoveAt(i);
        }

        _held.Reserve(intervals.Count);
        foreach (var interval in intervals) Begin(interval, interval.Kind != InterestKind.Durable || covers(interval.Filter), dispatched);
        Restamp();
    }

    /// <summary>
    /// Another token: named filters that it does not cover end, durable ones sleep or wake. What it covers is not touched.
    /// </summary>
    public void Cover(Func<TopicFilter, bool> covers, long dispatched)
    {
        for (var i = _held.Count - 1; i >= 0; i--)
        {
            if (_held[i].Kind == InterestKind.Named && !covers(FilterAt(i))) RemoveAt(i);
            else if (_held[i].Kind == InterestKind.Durable)
            {
                _held[i].Asleep = !covers(FilterAt(i));
                if (_held[i].Asleep) TakeOutOfIndex(i);
                else if (!_held[i].Indexed && _held.Until(i) > dispatched) PutIntoIndex(i);
            }
        }

        NoteChanges();
        Restamp();
    }

    public void Clear()
    {
        router.Change(this, static (index, self) =>
        {
            for (var i = 0; i < self._held.Count; i++)
            {
                self.Unindex(index, i);
                index.Release(self._held[i].Filter);
            }

            self._held.Clear();
        });
        _names = null;
        Restamp();
    }

    /// <summary>Whether an interest brings this version on this topic.</summary>
    public bool Want(long version, string topic) => Want(version, new TopicKey(topic, stackalloc byte[TopicKey.Room]));

    /// <summary>Whether it comes to the user, and not only to this connection: by the own topic, a group or a durable subscription.</summary>
    public bool IsOfUser(long version, string topic)
    {
        var key = new TopicKey(topic, stackalloc byte[TopicKey.Room]);
        for (var i = 0; i < _held.Count; i++)
        {
            if (_held[i].Kind is InterestKind.Own or InterestKind.Membership or InterestKind.Durable && Brings(i, version, key)) return true;
        }

        return false;
    }

    /// <summary>What each interest whose filter matches the topic says to this version.</summary>
    public List<InterestVerdict> Explain(long version, string topic)
    {
        var verdicts = new List<InterestVerdict>();
        var key = new TopicKey(topic, stackalloc byte[TopicKey.Room]);
        for (var i = 0; i < _held.Count; i++)
        {
            var interest = _held[i];
            if (router.Names.Matches(interest.Filter, key))
                verdicts.Add(new InterestVerdict(interest.Kind, router.Names.Text(interest.Filter), interest.From, _held.Until(i), interest.Asleep,
                    Brings(i, version, key)));
        }

        return verdicts;
    }

    /// <summary>Whether the connection follows the topic now, by any interest that is awake and has no end.</summary>
    public bool Follows(string topic)
    {
        var key = new TopicKey(topic, stackalloc byte[TopicKey.Room]);
        for (var i = 0; i < _held.Count; i++)
        {
            if (IsOn(i) && router.Names.Matches(_held[i].Filter, key)) return true;
        }

        return false;
    }

    /// <summary>What the connection follows now, each filter once; not its user's own topic and groups.</summary>
    public TopicFilter[] Followed()
    {
        var filters = new HashSet<TopicFilter>();
        for (var i = 0; i < _held.Count; i++)
        {
            if (IsOn(i) && router.Names.Bytes(_held[i].Filter)[0] != '$') filters.Add(FilterAt(i));
        }

        return [.. filters];
    }

    /// <summary>Of these entries, those above the cursor that an interest brings. Expiry is the caller's.</summary>
    public void Select(IReadOnlyList<DeliveryEntry> entries, long cursor, List<DeliveryEntry> wanted)
    {
        var lookUp = _held.Count > LookUpFrom && entries.Count > LookUpFrom ? new InterestLookUp(router.Names, _held.All) : null;
        Span<byte> room = stackalloc byte[TopicKey.Room];
        foreach (var entry in entries)
        {
            if (entry.Version <= cursor || !entry.IsNotification) continue;
            var topic = new TopicKey(entry.Topic, room);
            if (lookUp?.Want(this, entry.Version, topic) ?? Want(entry.Version, topic)) wanted.Add(entry);
        }
    }

    /// <summary>Whether the interest at this place brings this version on this topic: what decides in dispatch, in replay, and in an explanation.</summary>
    public bool Brings(int at, long version, in TopicKey topic) =>
        _held[at].Holds(version, _held.Until(at)) && router.Names.Matches(_held[at].Filter, topic);

    /// <summary>Names what is followed, for sessions to share work; null when there is much, or something begins or ends above the cursor.</summary>
    public string? SharedKey(long cursor)
    {
        if (_held.Count > SharedFilters || ChangesThrough > cursor) return null;
        if (_names is not null) return _names;
        var texts = new List<string>(_held.Count);
        for (var i = 0; i < _held.Count; i++)
        {
            // What has ended at or below the cursor brings nothing above it.
            if (IsOn(i)) texts.Add(router.Names.Text(_held[i].Filter));
        }

        return _names = string.Join('\n', texts); // no filter has a line break
    }

    /// <summary>The filters that can bring something above the cursor.</summary>
    public TopicFilter[] Filters(long cursor)
    {
        var filters = new List<TopicFilter>(_held.Count);
        for (var i = 0; i < _held.Count; i++)
        {
            if (!_held[i].Asleep && _held.Until(i) > cursor) filters.Add(FilterAt(i));
        }

        return [.. filters];
    }

    private TopicFilter FilterAt(int at) => router.Names.Filter(_held[at].Filter);

    private bool IsOn(int at) => !_held[at].Asleep && _held.IsOpen(at);

    private bool Want(long version, in TopicKey topic)
    {
        for (var i = 0; i < _held.Count; i++)
        {
            if (Brings(i, version, topic)) return true;
        }

        return false;
    }

    private int Find(InterestKind kind, TopicFilter filter)
    {
        var number = router.Find(filter);
        for (var i = 0; i < _held.Count && number > 0; i++)
        {
            if (_held[i].Filter == number && _held[i].Kind == kind) return i;
        }

        return -1;
    }

    private void Insert(InterestKind kind, TopicFilter filter, long from, long until, bool isIndexed, bool asleep)
    {
        _names = null;

        // Before the index has it: a dispatcher that finds the session by this filter must see that it looks entry by entry.
        Volatile.Write(ref _changesThrough, Math.Max(_changesThrough, until == Interest.Open ? from : isIndexed ? long.MaxValue : Math.Max(from, until)));
        _held.Grow(); // before the gate that all sessions share
        router.Change((this, kind, filter, from, isIndexed, asleep), static (index, state) =>
        {
            var (self, kind, filter, from, isIndexed, asleep) = state;
            var number = index.Number(filter);
            index.Rest(number);
            self._held.Add(new Interest(number, kind, from, asleep));
            if (isIndexed) self.Index(index, self._held.Count - 1);
        });
        if (until != Interest.Open) EndAt(_held.Count - 1, until);
    }

    private void EndAt(int at, long until)
    {
        _held.SetUntil(at, until);
        if (_held[at].Indexed) router.NoteEnded(session);
    }

    private void PutIntoIndex(int at)
    {
        router.Change((this, at), static (index, state) => state.Item1.Index(index, state.at));
        if (!_held.IsOpen(at)) router.NoteEnded(session);
    }

    private void TakeOutOfIndex(int at)
    {
        if (!_held[at].Indexed) return;
        router.Change((this, at), static (index, state) => state.Item1.Unindex(index, state.at));
        NoteChanges();
        Restamp();
    }

    private void RemoveAt(int at)
    {
        TakeOutOfIndex(at);
        router.Change(_held[at].Filter, static (index, filter) => index.Release(filter));
        _held.RemoveAt(at);
        _names = null;
        NoteChanges();
    }

    // The index has the session once for a filter, by however many of its interests.
    private void Index(FilterIndex index, int at)
    {
        var filter = _held[at].Filter;
        if (!IsIndexed(filter)) index.Add(filter, this);
        index.Release(filter);
        _held[at].Indexed = true;
    }

    private void Unindex(FilterIndex index, int at)
    {
        if (!_held[at].Indexed) return;
        var filter = _held[at].Filter;
        index.Rest(filter);
        _held[at].Indexed = false;
        if (!IsIndexed(filter)) index.Remove(filter, this);
    }

    private bool IsIndexed(int filter)
    {
        foreach (ref readonly var interest in _held.All)
        {
            if (interest.Filter == filter && interest.Indexed) return true;
        }

        return false;
    }

    private void NoteChanges()
    {
        var through = 0L;
        for (var i = 0; i < _held.Count; i++)
        {
            through = Math.Max(through, _held[i].From);
            if (_held.Until(i) is < Interest.Open and var until) through = Math.Max(through, _held[i].Indexed ? long.MaxValue : until);
        }

        _names = null;
        Volatile.Write(ref _changesThrough, through);
    }

    private void Restamp() => Volatile.Write(ref _stamp, _stamp + 1); // after the index, see Stamp
}
