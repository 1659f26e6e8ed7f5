using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Notify.Contracts.Topics;

namespace Notify.Engine.Delivery.Routing;

/// <summary>
/// The filters that sessions hold, each once and by number, however many hold it. Changed and searched under the router's
/// gate. What a number stands for may be read without it, as long as the number is held.
/// </summary>
internal sealed class FilterNames(Pieces pieces)
{
    /// <summary>Names a bucket has on average before there are twice as many buckets.</summary>
    private const int Crowded = 2;

    private const int FewBuckets = 16;
    private const int LengthBytes = sizeof(ushort);
    private const ushort WildcardBit = 0x8000; // of the length

    private readonly Rows<Name> _names = new();
    private readonly ConcurrentDictionary<int, TopicFilter> _wildcards = new(); // few: most are exact, and need no parts
    private int[] _buckets = new int[FewBuckets];
    private int _free;
    private int _last;

    public int Count { get; private set; }

    /// <summary>The same for the same bytes, for as long as the process lives.</summary>
    public static int HashOf(ReadOnlySpan<byte> name)
    {
        var hash = new HashCode();
        hash.AddBytes(name);
        return hash.ToHashCode();
    }

    /// <summary>The number of the filter with this text; 0 when it has none.</summary>
    public int Find(ReadOnlySpan<byte> text)
    {
        for (var number = BucketOf(text); number > 0; number = _names[number].Next)
        {
            if (Bytes(number).SequenceEqual(text)) return number;
        }

        return 0;
    }

    /// <summary>Gives a filter that has none its number.</summary>
    public int Add(TopicFilter filter, ReadOnlySpan<byte> text)
    {
        if (Count++ >= _buckets.Length * Crowded) Grow();
        var number = _free;
        if (number > 0) _free = _names[number].Next;
        else _names.Reach(number = ++_last);

        var units = Units(text.Length);
        ref var name = ref _names[number];
        name.Place = pieces.Take(units);
        var bytes = MemoryMarshal.AsBytes(pieces.At(name.Place, units));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(text.Length | (filter.IsExact ? 0 : WildcardBit)));
        text.CopyTo(bytes[LengthBytes..]);
        if (!filter.IsExact) _wildcards[number] = filter;
        Link(number, ref BucketOf(text));
        return number;
    }

    /// <summary>Nobody holds it any more: another filter may get the number.</summary>
    public void Remove(int number)
    {
        ref var link = ref BucketOf(Bytes(number));
        while (link != number) link = ref _names[link].Next;
        ref var name = ref _names[number];
        link = name.Next;
        var isWildcard = !IsExact(number);
        pieces.Give(name.Place, Units(Bytes(number).Length));
        if (isWildcard) _wildcards.TryRemove(number, out _);
        (name.Place, name.Next, _free) = (0, _free, number);
        Count--;
    }

    public void Clear()
    {
        _names.Clear();
        _wildcards.Clear();
        (_buckets, _free, _last, Count) = (new int[FewBuckets], 0, 0, 0);
    }

    public ReadOnlySpan<byte> Bytes(int number)
    {
        var length = Header(number) & ~WildcardBit;
        return MemoryMarshal.AsBytes(pieces.At(_names[number].Place, Units(length))).Slice(LengthBytes, length);
    }

    public string Text(int number) => Encoding.UTF8.GetString(Bytes(number));

    public bool IsExact(int number) => (Header(number) & WildcardBit) == 0;

    public TopicFilter Filter(int number) => IsExact(number) ? TopicFilter.Exact(Text(number)) : _wildcards[number];

    public bool Matches(int number, in TopicKey topic) =>
        IsExact(number) ? Bytes(number).SequenceEqual(topic.Bytes) : _wildcards[number].Matches(topic.Topic);

    private ushort Header(int number) => BinaryPrimitives.ReadUInt16LittleEndian(MemoryMarshal.AsBytes(pieces.At(_names[number].Place, 1)));

    private static int Units(int length) => (LengthBytes + length + sizeof(int) - 1) / sizeof(int);

    private ref int BucketOf(ReadOnlySpan<byte> text) => ref _buckets[HashOf(text) & (_buckets.Length - 1)];

    private void Link(int number, ref int bucket)
    {
        _names[number].Next = bucket;
        bucket = number;
    }

    private void Grow()
    {
        var old = _buckets;
        _buckets = new int[old.Length * 2];
        foreach (var first in old)
        {
            for (var (number, next) = (first, 0); number > 0; number = next)
            {
                next = _names[number].Next;
                Link(number, ref BucketOf(Bytes(number)));
            }
        }
    }

    private struct Name
    {
        /// <summary>Where its length and its bytes are.</summary>
        public int Place;

        /// <summary>The next one in its bucket, or the next free number.</summary>
        public int Next;
    }
}
