namespace Notify.Engine.Delivery.Routing;

/// <summary>The subscriptions of one filter, without order: joining and leaving cost the same for the first and the millionth.</summary>
internal sealed class SubscriberList
{
    private Subscription[] _items = new Subscription[1];

    public int Count { get; private set; }

    public ReadOnlySpan<Subscription> Items => _items.AsSpan(0, Count);

    public void Add(Subscription subscription)
    {
        if (Count == _items.Length) Array.Resize(ref _items, Count * 2);
        subscription.Slot = Count;
        _items[Count++] = subscription;
    }

    public void Remove(Subscription subscription)
    {
        var last = _items[--Count];
        _items[subscription.Slot] = last;
        last.Slot = subscription.Slot;
        _items[Count] = null!;
        if (Count > 0 && Count * 4 <= _items.Length) Array.Resize(ref _items, Count * 2);
    }
}
