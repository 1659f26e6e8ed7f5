namespace Notify.Engine.Delivery.Routing;

/// <summary>
/// A session's interests by topic, made for one page: exact names by hash, wildcards one by one, so that a page costs a
/// user of a thousand groups what it costs one of ten.
/// </summary>
internal sealed class InterestLookUp
{
    private readonly Dictionary<int, int> _first = [];
    private readonly int[] _next;
    private readonly List<int> _wildcards = [];

    public InterestLookUp(FilterNames names, ReadOnlySpan<Interest> held)
    {
        _next = new int[held.Length];
        for (var i = 0; i < held.Length; i++)
        {
            if (!names.IsExact(held[i].Filter))
            {
                _wildcards.Add(i);
                continue;
            }

            // The same name may be held several times: earlier intervals, a named filter beside a durable one.
            var hash = FilterNames.HashOf(names.Bytes(held[i].Filter));
            _next[i] = _first.TryGetValue(hash, out var first) ? first : -1;
            _first[hash] = i;
        }
    }

    public bool Want(Interests interests, long version, in TopicKey topic)
    {
        for (var i = _first.GetValueOrDefault(FilterNames.HashOf(topic.Bytes), -1); i >= 0; i = _next[i])
        {
            if (interests.Brings(i, version, topic)) return true;
        }

        foreach (var i in _wildcards)
        {
            if (interests.Brings(i, version, topic)) return true;
        }

        return false;
    }
}
