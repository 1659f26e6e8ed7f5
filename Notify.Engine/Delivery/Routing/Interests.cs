using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Frames;

namespace Notify.Engine.Delivery.Routing;

/// <summary>
/// What one session follows, and the one place that decides whether a version on a topic comes to it. Guarded by the
/// session's gate; the array and its slots change under the router's gate as well.
/// </summary>
internal sealed class Interests(Subscriber session, Router router)
{
    /// <summary>Sessions with more interests than this seldom have a twin.</summary>
    private const int SharedFilters = 8;

    /// <summary>With more interests than this, and so many entries to look at, a look-up by topic is made first.</summary>
    private const int LookUpFrom = 16;

    /// <summary>Ended intervals kept until they are dropped together.</summary>
    private const int EndedKept = 16;

    private Interest[] _held = [];
    private int _count;
    private int _stamp;
    private long _changesThrough;
    private string? _names;

    public Subscriber Session => session;

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
            foreach (ref readonly var interest in Held)
            {
                if (interest.Kind == InterestKind.Named) named++;
            }

            return named;
        }
    }

    /// <summary>What the client named, in its order.</summary>
    public IReadOnlyList<string> Named => Texts(InterestKind.Named);

    private ReadOnlySpan<Interest> Held => _held.AsSpan(0, _count);

    public bool IsNamed(TopicFilter filter) => Find(InterestKind.Named, filter) >= 0;

    /// <summary>The filters of a kind whose intervals are open; sleeping ones included.</summary>
    public IReadOnlyList<string> Texts(InterestKind kind)
    {
        var texts = new List<string>();
        foreach (ref readonly var interest in Held)
        {
            if (interest.Kind == kind && interest.Until == Interest.Open) texts.Add(interest.Filter.Text);
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
        for (var i = 0; i < _count; i++)
        {
            if (_held[i].From == long.MaxValue) _held[i].From = from;
        }

        NoteChanges();
    }

    /// <summary>The log is another one: what the connection named and the token's groups begin again there.</summary>
    public void RestartFrom(long from)
    {
        for (var i = 0; i < _count; i++)
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
        for (var i = _count - 1; i >= 0; i--)
        {
            if (_held[i].Kind == kind && !filters.Contains(_held[i].Filter)) RemoveAt(i);
        }
    }

    /// <summary>Begins an interval of the user. One that is known already stays as it is.</summary>
    /// <param name="interval">As stored; it may have its end already.</param>
    /// <param name="covered">Whether the token covers the filter; anything else of the user's needs no grant.</param>
    /// <param name="dispatched">What ends at or below it is kept for catching up, but not indexed: it is in the ring already.</param>
    /// <returns>False when it was known.</returns>
    public bool Begin(UserInterest interval, bool covered, long dispatched)
    {
        for (var i = 0; i < _count; i++)
        {
            ref var known = ref _held[i];
            if (known.Kind != interval.Kind || known.From != interval.Since || !known.Filter.Equals(interval.Filter)) continue;
            if (interval.Until >= known.Until) return false;
            known.Until = interval.Until;
            if (known.Slot >= 0) router.NoteEnded(session);
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
        for (var i = 0; i < _count; i++)
        {
            ref var interest = ref _held[i];
            if (interest.Kind != kind || interest.From >= at || interest.Until <= at || !interest.Filter.Equals(filter)) continue;
            interest.Until = at;
            ended = true;
            if (interest.Slot >= 0) router.NoteEnded(session);
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
        for (var i = 0; i < _count; i++)
        {
            if (_held[i].Until > dispatched)
            {
                isDone &= _held[i].Until == Interest.Open || _held[i].Slot < 0;
                continue;
            }

            TakeOutOfIndex(i);
            if (_held[i].Until <= passed) ended++;
        }

        for (var i = _count - 1; i >= 0 && ended > EndedKept; i--)
        {
            if (_held[i].Until <= passed) RemoveAt(i);
        }

        return isDone;
    }

    /// <summary>Puts these in the place of everything that is the user's by interval: the log is another one, or read anew.</summary>
    public void ReplaceIntervals(IReadOnlyCollection<UserInterest> intervals, Func<TopicFilter, bool> covers, long dispatched)
    {
        for (var i = _count - 1; i >= 0; i--)
        {
            if (_held[i].Kind is InterestKind.Membership or InterestKind.Durable) RemoveAt(i);
        }

        Reserve(intervals.Count);
        foreach (var interval in intervals) Begin(interval, interval.Kind != InterestKind.Durable || covers(interval.Filter), dispatched);
        Restamp();
    }

    /// <summary>
    /// Another token: named filters that it does not cover end, durable ones sleep or wake. What it covers is not touched.
    /// </summary>
    public void Cover(Func<TopicFilter, bool> covers, long dispatched)
    {
        for (var i = _count - 1; i >= 0; i--)
        {
            if (_held[i].Kind == InterestKind.Named && !covers(_held[i].Filter)) RemoveAt(i);
            else if (_held[i].Kind == InterestKind.Durable)
            {
                _held[i].Asleep = !covers(_held[i].Filter);
                if (_held[i].Asleep) TakeOutOfIndex(i);
                else if (_held[i].Slot < 0 && _held[i].Until > dispatched) PutIntoIndex(i);
            }
        }

        NoteChanges();
        Restamp();
    }

    public void Clear()
    {
        router.Change(this, static (index, self) =>
        {
            foreach (ref readonly var interest in self.Held)
            {
                if (interest.Slot >= 0) index.Remove(interest.List, interest.Slot);
            }

            (self._held, self._count) = ([], 0);
        });
        _names = null;
        Restamp();
    }

    /// <summary>Whether an interest brings this version on this topic.</summary>
    public bool Want(long version, string topic)
    {
        foreach (ref readonly var interest in Held)
        {
            if (interest.Brings(version, topic)) return true;
        }

        return false;
    }

    /// <summary>Whether it comes to the user, and not only to this connection: by the own topic, a group or a durable subscription.</summary>
    public bool IsOfUser(long version, string topic)
    {
        foreach (ref readonly var interest in Held)
        {
            if (interest.Kind is InterestKind.Own or InterestKind.Membership or InterestKind.Durable && interest.Brings(version, topic))
                return true;
        }

        return false;
    }

    /// <summary>What each interest whose filter matches the topic says to this version.</summary>
    public List<InterestVerdict> Explain(long version, string topic)
    {
        var verdicts = new List<InterestVerdict>();
        foreach (ref readonly var interest in Held)
        {
            if (interest.Filter.Matches(topic))
                verdicts.Add(new InterestVerdict(interest.Kind, interest.Filter.Text, interest.From, interest.Until, interest.Asleep,
                    interest.Brings(version, topic)));
        }

        return verdicts;
    }

    /// <summary>Whether the connection follows the topic now, by any interest that is awake and has no end.</summary>
    public bool Follows(string topic)
    {
        foreach (ref readonly var interest in Held)
        {
            if (interest.Until == Interest.Open && !interest.Asleep && interest.Filter.Matches(topic)) return true;
        }

        return false;
    }

    /// <summary>What the connection follows now, each filter once; not its user's own topic and groups.</summary>
    public TopicFilter[] Followed()
    {
        var filters = new HashSet<TopicFilter>();
        foreach (ref readonly var interest in Held)
        {
            if (interest.Until == Interest.Open && !interest.Asleep && !TopicName.IsReserved(interest.Filter.Text)) filters.Add(interest.Filter);
        }

        return [.. filters];
    }

    /// <summary>Of these entries, those above the cursor that an interest brings. Expiry is the caller's.</summary>
    public void Select(IReadOnlyList<DeliveryEntry> entries, long cursor, List<DeliveryEntry> wanted)
    {
        var lookUp = _count > LookUpFrom && entries.Count > LookUpFrom ? new InterestLookUp(Held) : null;
        foreach (var entry in entries)
        {
            if (entry.Version <= cursor || !entry.IsNotification) continue;
            if (lookUp?.Want(_held, entry) ?? Want(entry.Version, entry.Topic)) wanted.Add(entry);
        }
    }

    /// <summary>Names what is followed, for sessions to share work; null when there is much, or something begins or ends above the cursor.</summary>
    public string? SharedKey(long cursor)
    {
        if (_count > SharedFilters || ChangesThrough > cursor) return null;
        if (_names is not null) return _names;
        var texts = new List<string>(_count);
        foreach (ref readonly var interest in Held)
        {
            // What has ended at or below the cursor brings nothing above it.
            if (!interest.Asleep && interest.Until == Interest.Open) texts.Add(interest.Filter.Text);
        }

        return _names = string.Join('\n', texts); // no filter has a line break
    }

    /// <summary>The filters that can bring something above the cursor.</summary>
    public TopicFilter[] Filters(long cursor)
    {
        var filters = new List<TopicFilter>(_count);
        foreach (ref readonly var interest in Held)
        {
            if (!interest.Asleep && interest.Until > cursor) filters.Add(interest.Filter);
        }

        return [.. filters];
    }

    /// <summary>The index has moved this session within a list. Called under the router's gate.</summary>
    internal void Moved(InterestList list, int from, int to)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_held[i].Slot != from || !ReferenceEquals(_held[i].List, list)) continue;
            _held[i].Slot = to;
            return;
        }
    }

    private int Find(InterestKind kind, TopicFilter filter)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_held[i].Kind == kind && _held[i].Filter.Equals(filter)) return i;
        }

        return -1;
    }

    private void Insert(InterestKind kind, TopicFilter filter, long from, long until, bool isIndexed, bool asleep)
    {
        _names = null;

        // Before the index has it: a dispatcher that finds the session by this filter must see that it looks entry by entry.
        Volatile.Write(ref _changesThrough, Math.Max(_changesThrough, until == Interest.Open ? from : isIndexed ? long.MaxValue : Math.Max(from, until)));
        var added = new Interest { List = null!, From = from, Until = until, Slot = -1, Kind = kind, Asleep = asleep };
        router.Change((this, added, filter, isIndexed), static (index, state) =>
        {
            var (self, interest, filter, isIndexed) = state;
            if (isIndexed) (interest.List, interest.Slot) = index.Add(filter, self);
            else interest.List = new InterestList(filter);
            if (self._count == self._held.Length) Array.Resize(ref self._held, self._count < 4 ? self._count + 1 : self._count + self._count / 4);
            self._held[self._count++] = interest;
        });
        if (isIndexed && until != Interest.Open) router.NoteEnded(session);
    }

    // Most users change seldom after their connection has begun: what they hold then gets no more room than it needs.
    private void Reserve(int more) => router.Change((this, more), static (_, state) =>
    {
        var (self, more) = state;
        if (self._count + more > self._held.Length) Array.Resize(ref self._held, self._count + more);
    });

    private void PutIntoIndex(int at)
    {
        router.Change((this, at), static (index, state) =>
        {
            ref var interest = ref state.Item1._held[state.at];
            (interest.List, interest.Slot) = index.Add(interest.List.Filter, state.Item1);
        });
        if (_held[at].Until != Interest.Open) router.NoteEnded(session);
    }

    private void TakeOutOfIndex(int at)
    {
        if (_held[at].Slot < 0) return;
        router.Change((this, at), static (index, state) =>
        {
            ref var interest = ref state.Item1._held[state.at];
            var slot = interest.Slot;
            interest.Slot = -1; // first: the list must not find it as the one that it moves
            index.Remove(interest.List, slot);
        });
        NoteChanges();
        Restamp();
    }

    private void RemoveAt(int at)
    {
        TakeOutOfIndex(at);
        router.Change((this, at), static (_, state) =>
        {
            var (self, at) = state;
            self._held.AsSpan(at + 1, self._count - at - 1).CopyTo(self._held.AsSpan(at));
            self._held[--self._count] = default;
        });
        _names = null;
        NoteChanges();
    }

    private void NoteChanges()
    {
        var through = 0L;
        foreach (ref readonly var interest in Held)
        {
            through = Math.Max(through, interest.From);
            if (interest.Until != Interest.Open) through = Math.Max(through, interest.Slot < 0 ? interest.Until : long.MaxValue);
        }

        _names = null;
        Volatile.Write(ref _changesThrough, through);
    }

    private void Restamp() => Volatile.Write(ref _stamp, _stamp + 1); // after the index, see Stamp
}
