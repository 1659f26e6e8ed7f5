using System.Runtime.InteropServices;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Tail;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// Some consecutive entries that are dispatched together. Sessions that follow the same of its topics share one frame:
/// a session's notes walk a small tree from topic to topic, and where they end is the share.
/// </summary>
internal sealed class DispatchUnit
{
    private readonly DeliveryEntry[] _entries;
    private readonly int[] _topicOf;
    private readonly int[] _firstOf; // by topic: its first entry
    private readonly int[] _nextOf; // by entry: the next one of its topic, -1 after the last

    public DispatchUnit(LogView view, DeliveryEntry[] entries, DateTimeOffset now, long committedAt = 0)
    {
        View = view;
        CommittedAt = committedAt;
        First = entries[0].Version;
        Last = entries[^1].Version;
        _entries = [.. entries.Where(e => e.IsNotification && !e.HasExpired(now))];
        _topicOf = new int[_entries.Length];
        _nextOf = new int[_entries.Length];
        var numbers = new Dictionary<string, int>(_entries.Length, StringComparer.Ordinal);
        var first = new int[_entries.Length];
        var last = new int[_entries.Length];
        for (var i = 0; i < _entries.Length; i++)
        {
            ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers, _entries[i].Topic, out var isKnown);
            if (isKnown)
            {
                _nextOf[last[number]] = i;
            }
            else
            {
                number = numbers.Count - 1;
                first[number] = i;
            }

            last[number] = i;
            _nextOf[i] = -1;
            _topicOf[i] = number;
        }

        Topics = [.. numbers.Keys];
        _firstOf = first;
        Nothing = new UnitShare(this, null, -1);
    }

    public LogView View { get; }

    /// <inheritdoc cref="LogUnit.CommittedAt"/>
    public long CommittedAt { get; }

    public long First { get; }
    public long Last { get; }

    /// <summary>The distinct topics of what is to be delivered.</summary>
    public string[] Topics { get; }

    /// <summary>Where every session begins.</summary>
    public UnitShare Nothing { get; }

    /// <summary>The entries of one topic, in version order: found by themselves, since a unit of many topics makes a frame of each.</summary>
    public NotificationFrame FrameOf(int topic)
    {
        var count = 0;
        for (var i = _firstOf[topic]; i >= 0; i = _nextOf[i]) count++;
        if (count == _entries.Length) return new NotificationFrame(_entries);
        var wanted = new DeliveryEntry[count];
        for (var (i, at) = (_firstOf[topic], 0); i >= 0; i = _nextOf[i]) wanted[at++] = _entries[i];
        return new NotificationFrame(wanted);
    }

    /// <summary>The entries of these topics, in version order.</summary>
    public NotificationFrame FrameOf(ReadOnlySpan<bool> topics)
    {
        var wanted = new List<DeliveryEntry>(_entries.Length);
        for (var i = 0; i < _entries.Length; i++)
        {
            if (topics[_topicOf[i]]) wanted.Add(_entries[i]);
        }

        return new NotificationFrame([.. wanted]);
    }

    /// <summary>For a session whose filters or cursor differ from what the index said: entry by entry. Null when nothing is left.</summary>
    public NotificationFrame? FrameFor(Interests interests, long cursor)
    {
        var wanted = new List<DeliveryEntry>();
        interests.Select(_entries, cursor, wanted);
        return wanted.Count == 0 ? null : new NotificationFrame([.. wanted]);
    }
}

/// <summary>The sessions that follow exactly these topics of a unit, and their frame.</summary>
internal sealed class UnitShare(DispatchUnit unit, UnitShare? parent, int topic)
{
    // The children of the root are found by their place: most sessions of a unit of many topics follow one of them.
    private UnitShare?[]? _ofTopic;
    private UnitShare? _lastChild;
    private Dictionary<int, UnitShare>? _children;
    private NotificationFrame? _frame;

    private UnitShare? Parent => parent;
    private int Topic => topic;

    public NotificationFrame Frame => _frame ??= MakeFrame();

    /// <summary>This share and one more topic.</summary>
    public UnitShare With(int next)
    {
        if (parent is null) return (_ofTopic ??= new UnitShare?[unit.Topics.Length])[next] ??= new UnitShare(unit, this, next);
        if (_lastChild is { } last && last.Topic == next) return last;
        if (_children is not null && _children.TryGetValue(next, out var known)) return _lastChild = known;
        if (_lastChild is not null)
        {
            _children ??= new Dictionary<int, UnitShare> { [_lastChild.Topic] = _lastChild };
        }

        var child = new UnitShare(unit, this, next);
        if (_children is not null) _children[next] = child;
        return _lastChild = child;
    }

    private NotificationFrame MakeFrame()
    {
        if (Parent is { Parent: null }) return unit.FrameOf(topic);
        var topics = new bool[unit.Topics.Length];
        for (var share = this; share.Parent is not null; share = share.Parent) topics[share.Topic] = true;
        return unit.FrameOf(topics);
    }
}

/// <summary>What the dispatcher notes on a session while it reads the index for a unit.</summary>
internal struct UnitNotes
{
    public DispatchUnit? Unit;
    public UnitShare? Share;

    /// <summary>The last topic noted: two filters of a session may match it.</summary>
    public int Topic;

    /// <summary>The session's filters at the first match.</summary>
    public int Stamp;

    /// <summary>An interest begins or ends within or after the unit: the session is looked at by itself.</summary>
    public bool Individually;
}
