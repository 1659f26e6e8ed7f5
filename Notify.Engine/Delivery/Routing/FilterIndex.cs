using Notify.Contracts.Topics;

namespace Notify.Engine.Delivery.Routing;

/// <summary>
/// Filters by what they match: a table of names, and a trie of wildcard filters (MQTT 3.1.1 §4.7). A look-up costs what matches
/// and the topic's depth, not what else is subscribed. Filters and sessions are numbers here: what a user of twenty groups holds is
/// a few hundred bytes, and no object. Not thread-safe: the <see cref="Router"/> is.
/// </summary>
internal sealed class FilterIndex
{
    private readonly Pieces _pieces = new();
    private readonly HolderLists _lists;
    private readonly Rows<Interests?> _holders = new();
    private readonly Stack<int> _freeHolders = new();
    private readonly Dictionary<int, int> _resting = []; // by filter: how often it is held without being indexed
    private readonly Node _root = new();
    private int _lastHolder;

    public FilterIndex()
    {
        Names = new FilterNames(_pieces);
        _lists = new HolderLists(_pieces);
    }

    public FilterNames Names { get; }

    /// <summary>How many filters all holders have in the index.</summary>
    public int Count { get; private set; }

    /// <summary>Called with the filter of everything that is added or removed; null while not needed.</summary>
    public Action<TopicFilter>? Changed { get; set; }

    /// <summary>Nothing is held for filters that were once here.</summary>
    public bool IsEmpty => Names.Count == 0 && _root.IsEmpty;

    /// <summary>The number of a filter; 0 when nobody holds it.</summary>
    public int Find(TopicFilter filter) => Names.Find(new TopicKey(filter.Text, stackalloc byte[TopicKey.Room]).Bytes);

    /// <summary>The number of a filter that is now to be held: <see cref="Add"/> or <see cref="Rest"/> follows.</summary>
    public int Number(TopicFilter filter)
    {
        var text = new TopicKey(filter.Text, stackalloc byte[TopicKey.Room]).Bytes;
        if (Names.Find(text) is > 0 and var known) return known;
        var number = Names.Add(filter, text);
        _lists.Reach(number);
        if (!filter.IsExact) NodeOf(filter.Segments).Set(filter, number);
        return number;
    }

    /// <summary>What matches the filter comes to the holder, which does not have it in the index yet.</summary>
    public void Add(int filter, Interests holder)
    {
        if (holder.Number == 0)
        {
            if (!_freeHolders.TryPop(out var number)) _holders.Reach(number = ++_lastHolder);
            _holders[holder.Number = number] = holder;
        }

        Count++;
        holder.Indexed++;
        _lists.Add(filter, holder.Number);
        Changed?.Invoke(Names.Filter(filter));
    }

    public void Remove(int filter, Interests holder)
    {
        Count--;
        Changed?.Invoke(Names.Filter(filter));
        _lists.Remove(filter, holder.Number);
        if (--holder.Indexed == 0)
        {
            _holders[holder.Number] = null;
            _freeHolders.Push(holder.Number);
            holder.Number = 0;
        }

        DropUnheld(filter);
    }

    /// <summary>The filter keeps its number although this holder of it is not in the index.</summary>
    public void Rest(int filter) => _resting[filter] = _resting.GetValueOrDefault(filter) + 1;

    /// <summary>The opposite of <see cref="Rest"/>.</summary>
    public void Release(int filter)
    {
        if (--_resting[filter] > 0) return;
        _resting.Remove(filter);
        DropUnheld(filter);
    }

    /// <summary>Adds the filters that match the topic and have holders; each once.</summary>
    public void Match(string topic, List<int> matches)
    {
        var exact = Names.Find(new TopicKey(topic, stackalloc byte[TopicKey.Room]).Bytes);
        if (exact > 0 && _lists.CountOf(exact) > 0) matches.Add(exact);
        if (!_root.IsEmpty) MatchBelow(_root, topic, 0, matches, leading: TopicName.IsReserved(topic));
    }

    /// <summary>Those that hold a filter.</summary>
    public Holders HoldersOf(int filter) => new(_lists.Of(filter), _holders);

    private Node NodeOf(IReadOnlyList<string> segments)
    {
        var node = _root;
        foreach (var segment in segments)
        {
            if (segment != "#") node = node.Child(segment);
        }

        return node;
    }

    /// <param name="leading">At the first segment of a topic that begins with <c>$</c>: wildcards do not match it (§4.7.2).</param>
    private void MatchBelow(Node node, string topic, int start, List<int> matches, bool leading)
    {
        if (node.AndBelow > 0 && !leading) AddHeld(node.AndBelow, matches);
        if (start > topic.Length)
        {
            if (node.Here > 0) AddHeld(node.Here, matches);
            return;
        }

        var slash = topic.IndexOf('/', start);
        var end = slash < 0 ? topic.Length : slash;
        if (node.AnyChild is { } any && !leading) MatchBelow(any, topic, end + 1, matches, leading: false);
        if (node.Find(topic.AsSpan(start, end - start)) is { } child) MatchBelow(child, topic, end + 1, matches, leading: false);
    }

    private void AddHeld(int filter, List<int> matches)
    {
        if (_lists.CountOf(filter) > 0) matches.Add(filter);
    }

    private void DropUnheld(int filter)
    {
        if (_lists.CountOf(filter) > 0 || _resting.ContainsKey(filter)) return;
        if (!Names.IsExact(filter)) Drop(_root, Names.Filter(filter).Segments, 0);
        Names.Remove(filter);
        if (Names.Count > 0) return;

        // The last one: memory that a herd took goes back.
        Names.Clear();
        _lists.Clear();
        _pieces.Clear();
        _holders.Clear();
        _freeHolders.Clear();
        _lastHolder = 0;
    }

    /// <summary>Drops a filter, and the nodes on the way that hold nothing else.</summary>
    private static void Drop(Node node, IReadOnlyList<string> segments, int depth)
    {
        if (depth == segments.Count) node.Here = 0;
        else if (segments[depth] == "#") node.AndBelow = 0;
        else
        {
            var child = node.Child(segments[depth]);
            Drop(child, segments, depth + 1);
            if (child.IsEmpty) node.Drop(segments[depth]);
        }
    }

    private sealed class Node
    {
        private Dictionary<string, Node>? _children;

        /// <summary>The filter that ends here; 0 for none.</summary>
        public int Here { get; set; }

        /// <summary>The filter that ends in <c>#</c> here; 0 for none.</summary>
        public int AndBelow { get; set; }

        /// <summary>Behind a <c>+</c>.</summary>
        public Node? AnyChild { get; private set; }

        public bool IsEmpty => Here == 0 && AndBelow == 0 && AnyChild is null && _children is null;

        public void Set(TopicFilter filter, int number)
        {
            if (filter.Segments[^1] == "#") AndBelow = number;
            else Here = number;
        }

        public Node? Find(ReadOnlySpan<char> segment) =>
            _children is not null && _children.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(segment, out var child) ? child : null;

        public Node Child(string segment)
        {
            if (segment == "+") return AnyChild ??= new Node();
            _children ??= new Dictionary<string, Node>(StringComparer.Ordinal);
            if (!_children.TryGetValue(segment, out var child)) _children[segment] = child = new Node();
            return child;
        }

        public void Drop(string segment)
        {
            if (segment == "+") AnyChild = null;
            else if (_children!.Remove(segment) && _children.Count == 0) _children = null;
        }
    }
}
