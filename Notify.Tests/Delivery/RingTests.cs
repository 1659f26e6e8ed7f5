using CsCheck;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;
using Notify.Server.Wire;

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
    public void Keeps_the_last_one_however_large_it_is_and_lets_the_rest_go_to_the_byte()
    {
        var one = Entries.Range(1, 1)[0].EstimatedBytes;
        var ring = new Ring(0, 1000, one - 1);
        ring.Append(Entries.Range(1, 3));
        Assert.Equal((3, 3), (ring.First, ring.End));
        ring = new Ring(0, 1000, one * 3);
        ring.Append(Entries.Range(1, 3));
        Assert.Equal(1, ring.First);
        ring.Append(Entries.Range(4, 1));
        Assert.Equal(2, ring.First);
    }

    [Fact]
    public void A_read_begins_above_what_was_asked_for_and_brings_no_more_than_asked()
    {
        var ring = new Ring(100, 10, long.MaxValue);
        Assert.Equal((101, 100), (ring.First, ring.End));
        ring.Append(Entries.Range(101, 5));
        Assert.Equal([103, 104], Read(ring, 102, 2));
        Assert.Equal([105], Read(ring, 104, 2));
        Assert.Empty(Read(ring, 105, 2));
        Assert.False(ring.TryRead(99, 2, []));
    }

    [Theory]
    [InlineData(1, 8192 + 100, 100)] // more entries than are kept encoded
    [InlineData(2 * 1024 * 1024, 5, 2)] // more bytes
    public void The_last_entries_keep_their_encoded_forms_and_older_ones_do_not(int titleLength, int count, int cold)
    {
        var content = $$"""{"title":"{{new string('x', titleLength)}}","priority":"normal"}""";
        var entries = Enumerable.Range(1, count).Select(version => new DeliveryEntry(Entries.At(version, content: content))).ToArray();
        var encoded = entries.Select(entry => entry.Encoded(FrameEncoders.Json)).ToArray();
        var ring = new Ring(0, 20_000, long.MaxValue);
        ring.Append(entries);
        var dropped = entries.Select((entry, i) => !encoded[i].Equals(entry.Encoded(FrameEncoders.Json))).ToArray();
        Assert.Equal(Enumerable.Repeat(true, cold), dropped[..cold]);
        Assert.DoesNotContain(true, dropped[cold..]);
        Assert.Equal(count, Read(ring, 0, int.MaxValue).Count); // they are all there
    }

    private static List<long> Read(Ring ring, long after, int max)
    {
        var read = new List<DeliveryEntry>();
        Assert.True(ring.TryRead(after, max, read));
        return [.. read.Select(entry => entry.Version)];
    }

    [Fact]
    public void Takes_no_hole()
    {
        var ring = new Ring(0, 10, long.MaxValue);
        ring.Append(Entries.Range(1, 1));
        Assert.Throws<InvalidOperationException>(() => ring.Append(Entries.Range(3, 1)));
    }
}
