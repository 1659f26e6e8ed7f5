using Notify.Engine.Delivery.Frames;

namespace Notify.Engine.Delivery.Routing;

/// <summary>
/// A session's interests by topic, made for one page: exact names by hash, wildcards one by one, so that a page costs a
/// user of a thousand groups what it costs one of ten.
/// </summary>
internal sealed class InterestLookUp
{
    private readonly Dictionary<string, int> _first = new(StringComparer.Ordinal);
    private readonly int[] _next;
    private readonly List<int> _wildcards = [];

    public InterestLookUp(ReadOnlySpan<Interest> held)
    {
        _next = new int[held.Length];
        for (var i = 0; i < held.Length; i++)
        {
            if (!held[i].Filter.IsExact)
            {
                _wildcards.Add(i);
                continue;
            }

            // The same name may be held several times: earlier intervals, a named filter beside a durable one.
            _next[i] = _first.TryGetValue(held[i].Filter.Text, out var first) ? first : -1;
            _first[held[i].Filter.Text] = i;
        }
    }

    public bool Want(Interest[] held, DeliveryEntry entry)
    {
        for (var i = _first.GetValueOrDefault(entry.Topic, -1); i >= 0; i = _next[i])
        {
            if (held[i].Brings(entry.Version, entry.Topic)) return true;
        }

        foreach (var i in _wildcards)
        {
            if (held[i].Brings(entry.Version, entry.Topic)) return true;
        }

        return false;
    }
}
