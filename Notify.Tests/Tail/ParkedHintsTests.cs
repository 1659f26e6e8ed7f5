using Notify.Engine.Tail;
using Notify.Tests.Delivery;

namespace Notify.Tests.Tail;

public class ParkedHintsTests
{
    private readonly ParkedHints _parked = new(3);

    [Fact]
    public void Hints_come_back_in_version_order_once_what_was_before_them_is_there()
    {
        foreach (var first in new[] { 30, 10, 20 }) _parked.Park(Hint(first, 5));
        Assert.False(_parked.TryTake(9, out _));
        Assert.Equal([10, 20], TakenUpTo(20));
        Assert.Equal(1, _parked.Count);
        Assert.Equal([30], TakenUpTo(34));
        Assert.Equal(0, _parked.Count);
    }

    [Fact]
    public void Of_two_that_begin_at_the_same_place_the_longer_one_is_kept()
    {
        foreach (var count in new[] { 3, 5, 4 }) _parked.Park(Hint(10, count));
        Assert.Equal(1, _parked.Count);
        Assert.True(_parked.TryTake(10, out var hint));
        Assert.Equal(14, hint.Last);
    }

    [Fact]
    public void Beyond_the_capacity_the_one_furthest_ahead_is_let_go()
    {
        foreach (var first in new[] { 40, 10, 30, 20, 50 }) _parked.Park(Hint(first, 1));
        Assert.Equal([10, 20, 30], TakenUpTo(100));
        foreach (var first in new[] { 40, 10, 30 }) _parked.Park(Hint(first, 1));
        _parked.Clear();
        Assert.Equal((0, false), (_parked.Count, _parked.TryTake(100, out _)));
    }

    private List<long> TakenUpTo(long next)
    {
        var taken = new List<long>();
        while (_parked.TryTake(next, out var hint)) taken.Add(hint.First);
        return taken;
    }

    private static Hint.Entries Hint(int first, int count) =>
        new(Guid.Empty, [.. Enumerable.Range(first, count).Select(version => Entries.At(version))]) { At = 0 };
}
