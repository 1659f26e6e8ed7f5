using Notify.Contracts.Topics;

namespace Notify.Engine.Delivery.Routing;

/// <summary>The sessions that hold one filter, without order: joining and leaving cost the same for the first and the millionth.</summary>
internal sealed class InterestList(TopicFilter filter)
{
    // Most filters have one holder, and there is a list for each: a holder alone needs no array.
    private Interests? _only;
    private Interests[]? _holders;

    public TopicFilter Filter { get; } = filter;

    public int Count { get; private set; }

    public ReadOnlySpan<Interests> Holders => _holders is null ? new ReadOnlySpan<Interests>(ref _only!)[..Count] : _holders.AsSpan(0, Count);

    /// <returns>The holder's slot, by which it leaves without a search.</returns>
    public int Add(Interests holder)
    {
        if (Count == 0 && _holders is null)
        {
            _only = holder;
            return Count++;
        }

        if (_holders is null) (_holders, _only) = ([_only!, null!], null);
        else if (Count == _holders.Length) Array.Resize(ref _holders, Count * 2);
        _holders[Count] = holder;
        return Count++;
    }

    public void Remove(int slot)
    {
        Count--;
        if (_holders is null)
        {
            _only = null;
            return;
        }

        var last = _holders[Count];
        _holders[slot] = last;
        _holders[Count] = null!;
        if (slot != Count) last.Moved(this, Count, slot);
        if (Count == 1) (_only, _holders) = (_holders[0], null);
        else if (Count * 4 <= _holders.Length) Array.Resize(ref _holders, Count * 2);
    }
}
