using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>The filters of one session. Guarded by the session's gate.</summary>
internal sealed class Interests(DeliverySession session, Router router)
{
    /// <summary>Sessions with more filters than this seldom have a twin.</summary>
    private const int SharedFilters = 8;

    private readonly List<Subscription> _subscriptions = new(1);
    private int _stamp;
    private string? _names;

    /// <summary>
    /// Changes after a filter has left the index. The dispatcher notes it while it reads the index; another one at the
    /// time of the offer means that what it found may no longer hold, and the session is looked at by itself.
    /// </summary>
    public int Stamp => Volatile.Read(ref _stamp);

    public int Count => _subscriptions.Count;

    /// <summary>What the client named; the system's own topics come with the user and are not listed.</summary>
    public IReadOnlyList<string> Named =>
        [.. _subscriptions.Select(s => s.Filter.Text).Where(text => !TopicName.IsReserved(text))];

    public bool Contains(TopicFilter filter) => _subscriptions.Exists(s => s.Filter.Equals(filter));

    /// <summary>Puts filters into the index; they bring nothing until <see cref="Activate"/>.</summary>
    public IReadOnlyList<Subscription> Add(IEnumerable<TopicFilter> filters)
    {
        var added = new List<Subscription>();
        foreach (var filter in filters)
        {
            if (Contains(filter)) continue;
            var subscription = new Subscription(session, filter);
            _subscriptions.Add(subscription);
            _names = null;
            router.Add(subscription);
            added.Add(subscription);
        }

        return added;
    }

    public static void Activate(IReadOnlyList<Subscription> added, long from)
    {
        foreach (var subscription in added) subscription.From = from;
    }

    /// <summary>The log is another one: all filters begin again.</summary>
    public void RestartFrom(long from) => Activate(_subscriptions, from);

    public void Remove(IEnumerable<TopicFilter> filters)
    {
        foreach (var filter in filters)
        {
            var at = _subscriptions.FindIndex(s => s.Filter.Equals(filter));
            if (at < 0) continue;
            router.Remove(_subscriptions[at]);
            _subscriptions.RemoveAt(at);
            _names = null;
        }

        Volatile.Write(ref _stamp, _stamp + 1); // after the index, see Stamp
    }

    public void Clear()
    {
        router.Remove(_subscriptions);
        _subscriptions.Clear();
        Volatile.Write(ref _stamp, _stamp + 1);
    }

    /// <summary>Whether a filter brings this entry: it matches, and the version is above where the filter began.</summary>
    public bool Want(DeliveryEntry entry)
    {
        foreach (var subscription in _subscriptions)
        {
            if ((entry.Version == 0 || subscription.From < entry.Version) && subscription.Filter.Matches(entry.Topic)) return true;
        }

        return false;
    }

    /// <summary>Names what is followed, for sessions to share work; null when there are many filters, or one began after the cursor.</summary>
    public string? SharedKey(long cursor)
    {
        if (Count > SharedFilters || _subscriptions.Exists(s => s.From > cursor)) return null;
        return _names ??= string.Join('\n', _subscriptions.Select(s => s.Filter.Text)); // no filter has a line break
    }

    public TopicFilter[] Filters() => [.. _subscriptions.Select(s => s.Filter)];
}
