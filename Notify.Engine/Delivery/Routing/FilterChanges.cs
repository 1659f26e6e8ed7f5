using Notify.Contracts.Topics;

namespace Notify.Engine.Delivery.Routing;

/// <summary>Filters that are followed by more or fewer connections than before. Bounded: past that, all may have changed.</summary>
internal sealed class FilterChanges
{
    private const int Most = 4096;

    private readonly Lock _gate = new();
    private HashSet<TopicFilter> _filters = [];
    private bool _all;

    public void Add(TopicFilter filter)
    {
        if (TopicName.IsReserved(filter.Text)) return; // own topics and groups: their followers are not asked for
        lock (_gate)
        {
            if (_filters.Count >= Most) _all = true;
            else _filters.Add(filter);
        }
    }

    /// <summary>Those since the last call; null when all may have changed.</summary>
    public IReadOnlyCollection<TopicFilter>? Take()
    {
        lock (_gate)
        {
            var (filters, all) = (_filters, _all);
            if (filters.Count > 0) _filters = [];
            _all = false;
            return all ? null : filters;
        }
    }
}
