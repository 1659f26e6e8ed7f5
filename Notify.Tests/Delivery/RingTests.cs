using System.Text;
using CsCheck;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;
using Notify.Server.Wire;
using Notify.Storage.Log;

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
    [InlineData(1, 1024 + 100, 100)] // more entries than are kept encoded
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

    [Fact]
    public void Older_entries_are_what_they_were()
    {
        var entries = Entries.Range(1, 5000);
        var expiring = Entries.At(1, "one/that/expires") with { ExpiresAt = Entries.PublishedAt.AddTicks(1), TopicSeq = 7, Kind = EntryKind.MembersChanged };
        entries[0] = new DeliveryEntry(expiring);
        var ring = new Ring(0, 4999, long.MaxValue);
        ring.Append(entries.AsSpan(0, 4999));

        var read = new List<DeliveryEntry>();
        Assert.True(ring.TryRead(0, 3, read));
        Assert.Equal(entries.Take(3).Select(Values), read.Select(Values));
        Assert.Equal(EntryKind.MembersChanged, read[0].Entry.Kind);
        Assert.NotSame(entries[0], read[0]);

        ring.Append(entries.AsSpan(4999)); // and the first goes, the others move up
        read.Clear();
        Assert.True(ring.TryRead(1, int.MaxValue, read));
        Assert.Equal(entries.Skip(1).Select(Values), read.Select(Values));

        static (LogEntry, string) Values(DeliveryEntry entry) => (entry.Entry with { Content = default }, Encoding.UTF8.GetString(entry.Entry.Content.Span));
    }

    [Fact]
    public void The_latest_are_the_same_for_all_readers_and_only_they()
    {
        var entries = Entries.Range(1, 3000);
        var ring = new Ring(0, 10_000, long.MaxValue);
        ring.Append(entries);
        var read = new List<DeliveryEntry>();
        Assert.False(ring.TryReadShared(3000 - 1024 - 1, 10, read));
        Assert.True(ring.TryReadShared(3000 - 1024, int.MaxValue, read));
        Assert.Equal(entries[^1024..], read); // by reference
        read.Clear();
        Assert.True(ring.TryReadShared(3000, 10, read));
        Assert.Empty(read);
    }

    [Fact]
    public void What_a_reader_has_stays_when_its_place_is_used_again()
    {
        const int Capacity = 3000;
        var random = new Random(7);
        byte[] ContentOf(long version) =>
            [.. Enumerable.Repeat((byte)version, version % 500 == 0 ? 40_000 : (int)(version * 7919 % 1000))]; // large ones are not copied
        var ring = new Ring(0, Capacity, long.MaxValue);
        var kept = new List<DeliveryEntry>();
        while (ring.End < 10 * Capacity)
        {
            var first = ring.End + 1;
            var versions = Enumerable.Range(0, random.Next(1, 200)).Select(i => first + i);
            ring.Append([.. versions.Select(version => new DeliveryEntry(Entries.At(version) with { Content = ContentOf(version) }))]);
            Assert.True(ring.TryRead(random.NextInt64(ring.First - 1, ring.End), random.Next(1, 20), kept));
            Assert.True(ring.TryRead(ring.First - 1, kept.Count + 1, kept)); // and the oldest, which goes next
        }

        Assert.All(kept, entry => Assert.True(ContentOf(entry.Version).AsSpan().SequenceEqual(entry.Entry.Content.Span)));
        var all = new List<DeliveryEntry>();
        Assert.True(ring.TryRead(ring.First - 1, int.MaxValue, all));
        Assert.Equal(Capacity, all.Count);
        Assert.All(all, entry => Assert.True(ContentOf(entry.Version).AsSpan().SequenceEqual(entry.Entry.Content.Span)));
    }

    [Fact]
    public void Older_entries_of_a_topic_share_its_text()
    {
        var read = AppendInTurn(count: 3000, topics: 2, new Ring(0, 20_000, long.MaxValue), 1000);
        Assert.All(read, entry => Assert.Same(read[entry.Version % 2 == 1 ? 0 : 1].Topic, entry.Topic));
    }

    [Fact]
    public void With_more_topics_than_are_remembered_each_older_entry_keeps_its_own() =>
        AppendInTurn(count: 4000, topics: 900, new Ring(0, 4000, long.MaxValue), 2900);

    [Fact]
    public void A_full_ring_allocates_nothing()
    {
        var entries = Entries.Range(1, 60_000);
        var ring = new Ring(0, 10_000, long.MaxValue);
        ring.Append(entries.AsSpan(0, 30_000));
        var before = GC.GetAllocatedBytesForCurrentThread();
        ring.Append(entries.AsSpan(30_000));
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_read_ends_where_its_bytes_do_but_brings_one()
    {
        var one = Entries.Range(1, 1)[0].EstimatedBytes;
        var ring = new Ring(0, 10, long.MaxValue);
        ring.Append(Entries.Range(1, 5));
        foreach (var (bytes, count) in ((long, int)[])[(1, 1), (one * 2, 2), ((one * 3) - 1, 2), (one * 3, 3)])
        {
            var read = new List<DeliveryEntry>();
            Assert.True(ring.TryRead(0, 10, read, bytes));
            Assert.Equal(count, read.Count);
        }
    }

    /// <summary>Appends entries of these topics in turn, each with a text of its own, and reads the oldest: their topics are right.</summary>
    private static List<DeliveryEntry> AppendInTurn(int count, int topics, Ring ring, int oldest)
    {
        for (var version = 1; version <= count; version++) ring.Append([new DeliveryEntry(Entries.At(version, topic: $"t/{version % topics}"))]);
        var read = new List<DeliveryEntry>();
        Assert.True(ring.TryRead(0, oldest, read));
        Assert.Equal(oldest, read.Count);
        Assert.All(read, entry => Assert.Equal($"t/{entry.Version % topics}", entry.Topic));
        return read;
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
