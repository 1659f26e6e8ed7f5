namespace Notify.Engine.Delivery.Routing;

/// <summary>Many numbers above 0, without order: joining and leaving cost the same for the first and the millionth.</summary>
internal sealed class NumberSet
{
    private int[] _slots;
    private int _count;

    public NumberSet(ReadOnlySpan<int> numbers)
    {
        _slots = new int[Math.Max((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)numbers.Length * 2), 4)];
        foreach (var number in numbers) Add(number);
    }

    /// <summary>The numbers, with a 0 where there is none.</summary>
    public ReadOnlySpan<int> Slots => _slots;

    public void Add(int number)
    {
        if (++_count * 4 > _slots.Length * 3) Resize(_slots.Length * 2);
        Put(number);
    }

    public void Remove(int number)
    {
        var at = HomeOf(number);
        while (_slots[at] != number) at = After(at);

        // What stands behind it on its way from its home moves up, or it would not be found any more.
        for (var next = After(at); _slots[next] > 0; next = After(next))
        {
            if (Way(HomeOf(_slots[next]), next) < Way(at, next)) continue;
            _slots[at] = _slots[next];
            at = next;
        }

        _slots[at] = 0;
        if (--_count * 8 < _slots.Length && _slots.Length > 4) Resize(_slots.Length / 2);
    }

    private void Put(int number)
    {
        var at = HomeOf(number);
        while (_slots[at] > 0) at = After(at);
        _slots[at] = number;
    }

    private void Resize(int length)
    {
        var old = _slots;
        _slots = new int[length];
        foreach (var number in old)
        {
            if (number > 0) Put(number);
        }
    }

    private int HomeOf(int number) => (int)((uint)number * 2654435769u >> System.Numerics.BitOperations.LeadingZeroCount((uint)_slots.Length - 1));

    private int After(int at) => (at + 1) & (_slots.Length - 1);

    private int Way(int from, int to) => (to - from) & (_slots.Length - 1);
}
