namespace Notify.Engine.Delivery.Routing;

/// <summary>Who on this node follows what. Changed by hub calls and disconnects, read by the dispatcher.</summary>
internal sealed class Router
{
    private readonly Lock _gate = new();
    private readonly FilterIndex _index = new();

    /// <summary>Subscriptions held by this node's connections.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _index.Count;
        }
    }

    public void Add(Subscription subscription)
    {
        lock (_gate) _index.Add(subscription);
    }

    public void Remove(Subscription subscription)
    {
        lock (_gate) _index.Remove(subscription);
    }

    /// <summary>Removes many under one lock: a connection with a thousand filters leaves at once.</summary>
    public void Remove(IReadOnlyList<Subscription> subscriptions)
    {
        lock (_gate)
        {
            foreach (var subscription in subscriptions) _index.Remove(subscription);
        }
    }

    /// <summary>Calls <paramref name="visit"/> with the subscriptions of each matching filter. It must not wait: subscribers do meanwhile.</summary>
    public void Match<TState>(string topic, List<SubscriberList> scratch, TState state, SubscribersVisitor<TState> visit)
    {
        lock (_gate)
        {
            scratch.Clear();
            _index.Match(topic, scratch);
            foreach (var list in scratch) visit(list.Items, state);
        }
    }
}

internal delegate void SubscribersVisitor<in TState>(ReadOnlySpan<Subscription> subscriptions, TState state);
