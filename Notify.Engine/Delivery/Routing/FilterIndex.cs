using Notify.Contracts.Topics;

namespace Notify.Engine.Delivery.Routing;

/// <summary>
/// Filters by what they match: a table of exact names, and a trie of wildcard filters (MQTT 3.1.1 §4.7). A look-up
/// costs what matches and the topic's depth, not what else is subscribed. Not thread-safe: the <see cref="Router"/> is.
/// </summary>
internal sealed class FilterIndex
{
    private readonly Dictionary<string, InterestList> _exact = new(StringComparer.Ordinal);
    private readonly Node _root = new();

    public int Count { get; private set; }

    /// <summary>Called with the filter of everything that is added or removed; null while not needed.</summary>
    public Action<TopicFilter>? Changed { get; set; }

    /// <summary>Nothing is held for filters that were once here.</summary>
    public bool IsEmpty => _exact.Count == 0 && _root.IsEmpty;

    /// <returns>The list of that filter, and the holder's slot in it: what <see cref="Remove"/> takes.</returns>
    public (InterestList List, int Slot) Add(TopicFilter filter, Interests holder)
    {
        Count++;
        Changed?.Invoke(filter);
        var list = ListOf(filter);
        return (list, list.Add(holder));
    }

    public void Remove(InterestList list, int slot)
    {
        Count--;
        Changed?.Invoke(list.Filter);
        list.Remove(slot);
        if (list.Count > 0) return;
        if (list.Filter.IsExact) _exact.Remove(list.Filter.Text);
        else Drop(_root, list.Filter.Segments, 0);
    }

    /// <summary>Adds the lists whose filter matches the topic; each at most once.</summary>
    public void Match(string topic, List<InterestList> matches)
    {
        if (_exact.TryGetValue(topic, out var exact)) matches.Add(exact);
        if (_root.IsEmpty) return;
        MatchBelow(_root, topic, 0, matches, leading: TopicName.IsReserved(topic));
    }

    private InterestList ListOf(TopicFilter filter)
    {
        if (filter.IsExact)
        {
            if (!_exact.TryGetValue(filter.Text, out var list)) _exact[filter.Text] = list = new InterestList(filter);
            return list;
        }

        var node = _root;
        foreach (var segment in filter.Segments)
        {
            if (segment == "#") return node.AndBelow ??= new InterestList(filter);
            node = node.Child(segment);
        }

        return node.Here ??= new InterestList(filter);
    }

    /// <param name="leading">At the first segment of a topic that begins with <c>$</c>: wildcards do not match it (§4.7.2).</param>
    private static void MatchBelow(Node node, string topic, int start, List<InterestList> matches, bool leading)
    {
        if (node.AndBelow is { } below && !leading) matches.Add(below);
        if (start > topic.Length)
        {
            if (node.Here is { } here) matches.Add(here);
            return;
        }

        var slash = topic.IndexOf('/', start);
        var end = slash < 0 ? topic.Length : slash;
        if (node.AnyChild is { } any && !leading) MatchBelow(any, topic, end + 1, matches, leading: false);
        if (node.Find(topic.AsSpan(start, end - start)) is { } child) MatchBelow(child, topic, end + 1, matches, leading: false);
    }

    /// <summary>Drops an empty list, and the nodes on the way that hold nothing else.</summary>
    private static void Drop(Node node, IReadOnlyList<string> segments, int depth)
    {
        if (depth == segments.Count) node.Here = null;
        else if (segments[depth] == "#") node.AndBelow = null;
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

        /// <summary>Filters that end here.</summary>
        public InterestList? Here { get; set; }

        /// <summary>Filters that end in <c>#</c> here.</summary>
        public InterestList? AndBelow { get; set; }

        /// <summary>Behind a <c>+</c>.</summary>
        public Node? AnyChild { get; private set; }

        public bool IsEmpty => Here is null && AndBelow is null && AnyChild is null && _children is null;

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
