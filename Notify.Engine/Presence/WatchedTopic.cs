using Notify.Contracts.Hub;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Engine.Presence;

/// <summary>
/// A topic that connections of this node watch: what every node told of it last, and what the watchers were told. Guarded by
/// the gate of <see cref="PresenceWatching"/>.
/// </summary>
internal sealed class WatchedTopic(string topic, long now)
{
    public const string Join = "join";
    public const string Leave = "leave";

    /// <summary>
    /// Joins and leaves at a time, which is once a second: when many users move to another node, a user that is back by the next time
    /// makes no event. All of <see cref="TopicPeople.MostNamed"/> have left after four seconds.
    /// </summary>
    public const int MostChanges = 25;

    private const int MostParts = 4096;

    private readonly Dictionary<Guid, NodeState> _nodes = [];
    private readonly TaskCompletionSource _warm = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HashSet<Person>? _toldPeople = [];
    private bool _hasNews = true;

    public string Topic => topic;

    public HashSet<DeliverySession> Watchers { get; } = [];

    /// <summary>When it was asked for last.</summary>
    public long UsedAt { get; set; } = now;

    /// <summary>The people of this node; read anew when what is followed has changed.</summary>
    public TopicPeople Own { get; private set; } = TopicPeople.Nobody;

    /// <summary>What the watchers were told last.</summary>
    public int ToldCount { get; private set; }

    /// <summary>The users among the people that watchers were told; null above <see cref="TopicPeople.MostNamed"/>.</summary>
    public IReadOnlyList<string>? ToldUsers =>
        _toldPeople is null ? null : [.. _toldPeople.Select(person => person.User).OfType<string>().Order(StringComparer.Ordinal)];

    /// <summary>Completes when every node has told its people.</summary>
    public Task Warm => _warm.Task;

    public void TakeOwn(TopicPeople people)
    {
        if (people.IsSame(Own)) return;
        (Own, _hasNews) = (people, true);
    }

    /// <summary>What another node tells; a part of it, perhaps.</summary>
    public void Take(Guid node, TopicState part)
    {
        if (part.Parts is < 1 or > MostParts || part.Part < 0 || part.Part >= part.Parts || part.Count < 0) return;
        if (!_nodes.TryGetValue(node, out var state)) _nodes[node] = state = new NodeState();
        if (state.Take(part) is not { } people || people.IsSame(state.People ?? TopicPeople.OfCount(-1))) return;
        (state.People, _hasNews) = (people, true);
    }

    /// <summary>The node is gone, and with it its people.</summary>
    public void Forget(Guid node) => _hasNews |= _nodes.Remove(node);

    /// <summary>Says that every one of these nodes has told its people, if so.</summary>
    public void LookIfWarm(IEnumerable<Guid> others)
    {
        if (!Warm.IsCompleted && others.All(node => _nodes.TryGetValue(node, out var state) && state.People is not null)) _warm.TrySetResult();
    }

    /// <summary>The people of all nodes now, each once.</summary>
    public (int Count, HashSet<Person>? Named) Now() =>
        TopicPeople.Union([Own, .. _nodes.Values.Select(node => node.People).OfType<TopicPeople>()]);

    /// <summary>
    /// The changes since the last signal, at most <see cref="MostChanges"/>: joins and leaves while there are few people; above that one
    /// number. All changes while there is no watcher: they are no events then, but the state that the next watcher is told.
    /// </summary>
    /// <param name="mayCount">False: numbers alone are not told now, but with the next look.</param>
    public IReadOnlyList<PresenceChanged> Advance(bool mayCount = true)
    {
        if (!_hasNews) return [];
        var (count, named) = Now();
        if (named is not null && _toldPeople is not null) return AdvanceNamed(_toldPeople, named);
        if (!mayCount) return [];
        _hasNews = false;
        var isOther = count != ToldCount;
        (ToldCount, _toldPeople) = (count, named);
        return isOther ? [new PresenceChanged(topic, count)] : [];
    }

    private List<PresenceChanged> AdvanceNamed(HashSet<Person> told, HashSet<Person> now)
    {
        var most = Watchers.Count == 0 ? int.MaxValue : MostChanges;
        var left = told.Where(person => !now.Contains(person)).Take(most).ToList();
        var joined = now.Where(person => !told.Contains(person)).Take(most - left.Count).ToList();
        told.ExceptWith(left);
        told.UnionWith(joined);
        _hasNews = !told.SetEquals(now);
        return [.. left.Select(person => Event(person, Leave, --ToldCount)), .. joined.Select(person => Event(person, Join, ++ToldCount))];
    }

    private PresenceChanged Event(Person person, string what, int count) => new(topic, count) { User = person.User, Event = what };

    /// <summary>What a node told, and the parts of what it is telling.</summary>
    private sealed class NodeState
    {
        private long _number = -1;
        private TopicState?[] _parts = [];

        public TopicPeople? People { get; set; }

        /// <summary>All of its people, once every part is there.</summary>
        public TopicPeople? Take(TopicState part)
        {
            if (part.Number < _number) return null; // late
            if (part.Number > _number || _parts.Length != part.Parts) (_number, _parts) = (part.Number, new TopicState?[part.Parts]);
            _parts[part.Part] = part;
            if (Array.Exists(_parts, one => one is null)) return null;
            var parts = _parts;
            if (parts[0]!.Hashes is not null)
                return LetterSplitting.Hashes(parts.Select(one => one!.Hashes ?? [])) is { } hashes && hashes.Length == part.Count
                    ? TopicPeople.OfHashes(hashes) : TopicPeople.OfCount(part.Count);
            var people =
                parts.SelectMany(one => (one!.Users ?? []).Select(user => new Person(user, null))
                .Concat((one.Connections ?? []).Select(connection => new Person(null, connection)))).ToHashSet();
            return people.Count == part.Count ? TopicPeople.Of(people) : TopicPeople.OfCount(part.Count);
        }
    }
}
