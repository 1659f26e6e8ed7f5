using CsCheck;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;

namespace Notify.Tests.Delivery;

public class RingTests
{
    [Fact]
    public void Keeps_the_last_entries_within_its_bounds_whatever_the_batches() =>
        Gen.Select(Gen.Int[1, 3000], Gen.Int[1, 400].Array[1, 30], Gen.Long[0, 5000]).Sample((capacity, batches, start) =>
        {
            var ring = new Ring(start, capacity, long.MaxValue);
            foreach (var count in batches) ring.Append(Entries.Range(ring.End + 1, count));

            var total = batches.Sum();
            Assert.Equal(start + total, ring.End);
            Assert.Equal(Math.Max(start + 1, ring.End - capacity + 1), ring.First);

            var read = new List<DeliveryEntry>();
            Assert.True(ring.TryRead(ring.First - 1, int.MaxValue, read));
            Assert.Equal(Enumerable.Range(0, (int)(ring.End - ring.First + 1)).Select(i => ring.First + i), read.Select(e => e.Version));
            if (ring.First > 1) Assert.False(ring.TryRead(ring.First - 2, 1, read));
        }, iter: 200);

    [Fact]
    public void Lets_the_oldest_go_when_the_bytes_are_too_many()
    {
        var one = Entries.Range(1, 1)[0].EstimatedBytes;
        var ring = new Ring(0, 1000, one * 10);
        ring.Append(Entries.Range(1, 100));
        Assert.Equal(91, ring.First);
    }

    [Fact]
    public void Takes_no_hole()
    {
        var ring = new Ring(0, 10, long.MaxValue);
        ring.Append(Entries.Range(1, 1));
        Assert.Throws<InvalidOperationException>(() => ring.Append(Entries.Range(3, 1)));
    }
}
