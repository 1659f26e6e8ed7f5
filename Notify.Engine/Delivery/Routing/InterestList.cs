using Notify.Contracts.Topics;

namespace Notify.Engine.Delivery.Routing;

/// <summary>The sessions that hold one filter, without order: joining and leaving cost the same for the first and the millionth.</summary>
internal sealed class InterestList(TopicFilter filter)
{
    private Interests[] _holders = new Interests[1];

    public TopicFilter Filter { get; } = filter;

    public int Count { get; private set; }

    public ReadOnlySpan<Interests> Holders => _holders.AsSpan(0, Count);

    /// <returns>The holder's slot, by which it leaves without a search.</returns>
    public int Add(Interests holder)
    {
        if (Count == _holders.Length) Array.Resize(ref _holders, Count * 2);
        _holders[Count] = holder;
        return Count++;
    }

    public void Remove(int slot)
    {
        var last = _holders[--Count];
        _holders[slot] = last;
        _holders[Count] = null!;
        if (slot != Count) last.Moved(this, Count, slot);
        if (Count > 0 && Count * 4 <= _holders.Length) Array.Resize(ref _holders, Count * 2);
    }
}
