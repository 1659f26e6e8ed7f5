using Notify.Engine.Delivery.Frames;
using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>
/// The last entries of the log, contiguous, in memory: what live delivery goes through and what most clients that come
/// back are served from. Bounded by entries and bytes. One writer (the tail), any readers.
/// </summary>
/// <remarks>
/// The latest of them are objects that all readers share, with their encoded forms. Older ones are rows of arrays and bytes of their own: objects
/// that are kept are copied from generation to generation, and a full collection marks each, which took it 24 ms of a core.
/// </remarks>
/// <param name="start">The version before the first entry that will be appended.</param>
/// <param name="capacity">Entries at most.</param>
/// <param name="maxBytes">Estimated bytes at most.</param>
internal sealed class Ring(long start, int capacity, long maxBytes)
{
    /// <summary>
    /// So many are shared, within the bytes: what a node publishes in a tenth of a second, so that they seldom outlive a young collection; and a whole
    /// block, so that the block of any older one is complete.
    /// </summary>
    private const int WarmEntries = BlockCache.Size;
    private const int WarmBytes = 8 * 1024 * 1024;

    private const int RowsTogether = 512;

    /// <summary>Topics' texts are shared while each has so many of the entries on average.</summary>
    private const int EntriesOfTopic = 8;

    private readonly Lock _gate = new();
    private readonly DeliveryEntry[] _warm = new DeliveryEntry[WarmEntries];
    private readonly RingContents _contents = new();
    private readonly HashSet<string> _topics = new(StringComparer.Ordinal);
    private readonly RingRow[]?[] _cold = new RingRow[(capacity / RowsTogether) + 2][]; // wherever in one the first and the last are
    private long _first = start + 1;
    private long _firstWarm = start + 1;
    private long _end = start;
    private long _bytes;
    private long _warmBytes;

    /// <summary>The last version appended: what the tail has dispatched or is dispatching.</summary>
    public long End => Volatile.Read(ref _end);

    /// <summary>The first version still here; End + 1 when empty.</summary>
    public long First => Volatile.Read(ref _first);

    public void Append(ReadOnlySpan<DeliveryEntry> entries)
    {
        lock (_gate)
        {
            foreach (var entry in entries)
            {
                if (entry.Version != _end + 1) throw new InvalidOperationException($"Version {entry.Version} after {_end}: the tail must be gapless.");
                if (_end - _first + 1 == capacity) DropFirst();
                if (_end - _firstWarm + 1 == WarmEntries) CoolFirst();
                _warm[entry.Version % WarmEntries] = entry;
                _bytes += entry.EstimatedBytes;
                _warmBytes += entry.EstimatedBytes;
                Volatile.Write(ref _end, entry.Version);
                while (_warmBytes > WarmBytes) CoolFirst();
            }

            while (_bytes > maxBytes && _first < _end) DropFirst();
        }
    }

    /// <summary>
    /// Copies up to <paramref name="max"/> entries above <paramref name="after"/>, and no more than fit in <paramref name="maxBytes"/> or one; false when
    /// the first of them is no longer here. Older ones are made for this reader.
    /// </summary>
    public bool TryRead(long after, int max, List<DeliveryEntry> into, long maxBytes = long.MaxValue)
    {
        lock (_gate)
        {
            if (after + 1 < _first) return false;
            for (var version = after + 1; version <= _end && into.Count < max; version++)
            {
                var entry = version < _firstWarm ? new DeliveryEntry(Row(version).Entry(version)) : _warm[version % WarmEntries];
                if ((maxBytes -= entry.EstimatedBytes) < 0 && into.Count > 0) return true;
                into.Add(entry);
            }

            return true;
        }
    }

    /// <summary>The same of the entries that all readers share; false when the first of them is none of these.</summary>
    public bool TryReadShared(long after, int max, List<DeliveryEntry> into)
    {
        lock (_gate) return after + 1 >= _firstWarm && TryRead(after, max, into);
    }

    private void CoolFirst()
    {
        ref var slot = ref _warm[_firstWarm % WarmEntries];
        Row(_firstWarm) = new RingRow(slot.Entry, Shared(slot.Topic), _contents.Add(slot.Entry.Content));
        _warmBytes -= slot.EstimatedBytes;
        slot.DropEncodings(); // a late reader may still hold it
        slot = null!;
        _firstWarm++;
    }

    private void DropFirst()
    {
        if (_firstWarm == _first) CoolFirst();
        ref var row = ref Row(_first);
        _bytes -= row.EstimatedBytes;
        _contents.Remove(row.Content);
        row = default;
        Volatile.Write(ref _first, _first + 1);
    }

    /// <summary>
    /// The topic's text as an older row has it. Each notification comes with a text of its own, and rows are kept: every young collection would copy
    /// those texts, and look through all rows that have got one since the last.
    /// </summary>
    private string Shared(string topic)
    {
        if (_topics.TryGetValue(topic, out var known)) return known;
        if (_topics.Count >= capacity / EntriesOfTopic) _topics.Clear(); // of so many topics few come again
        _topics.Add(topic);
        return topic;
    }

    private ref RingRow Row(long version)
    {
        var (together, row) = Math.DivRem(version, RowsTogether);
        return ref (_cold[together % _cold.Length] ??= new RingRow[RowsTogether])[row];
    }
}

/// <summary>What of a log entry its version and place do not say.</summary>
internal readonly struct RingRow(LogEntry entry, string topic, RingContents.Place content)
{
    private readonly Guid _id = entry.Id;
    private readonly string _topic = topic;
    private readonly long _topicSeq = entry.TopicSeq;
    private readonly long _publishedAt = entry.PublishedAt.UtcTicks;
    private readonly long _expiresAt = entry.ExpiresAt?.UtcTicks ?? long.MaxValue;
    private readonly EntryKind _kind = entry.Kind;

    public RingContents.Place Content => content;

    public int EstimatedBytes => LogLimits.EstimatedBytes(content.Length);

    public LogEntry Entry(long version) => new()
    {
        Version = version,
        Id = _id,
        Kind = _kind,
        Topic = _topic,
        TopicSeq = _topicSeq,
        PublishedAt = new DateTimeOffset(_publishedAt, TimeSpan.Zero),
        ExpiresAt = _expiresAt == long.MaxValue ? null : new DateTimeOffset(_expiresAt, TimeSpan.Zero),
        Content = content.Copy(),
    };
}
