using Notify.Engine.Delivery.Frames;

namespace Notify.Engine.Tail;

/// <summary>
/// The last entries of the log, contiguous, in memory: what live delivery goes through and what most clients that come
/// back are served from. Bounded by entries and bytes. One writer (the tail), any readers.
/// </summary>
/// <param name="start">The version before the first entry that will be appended.</param>
/// <param name="capacity">Entries at most.</param>
/// <param name="maxBytes">Estimated bytes at most.</param>
internal sealed class Ring(long start, int capacity, long maxBytes)
{
    /// <summary>The last entries keep their encoded forms, within these bounds; few readers are later than that.</summary>
    private const int WarmEntries = 8192;
    private const int WarmBytes = 8 * 1024 * 1024;

    private readonly Lock _gate = new();
    private DeliveryEntry[] _slots = new DeliveryEntry[Math.Min(capacity, 1024)];
    private long _first = start + 1;
    private long _end = start;
    private long _bytes;
    private long _warm = start + 1;
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
                var count = (int)(_end - _first + 1);
                if (count == capacity) DropFirst();
                else if (count == _slots.Length) Grow();
                _slots[entry.Version % _slots.Length] = entry;
                _bytes += entry.EstimatedBytes;
                Volatile.Write(ref _end, entry.Version);
                _warmBytes += entry.EstimatedBytes;
                while (_warmBytes > WarmBytes || _end - _warm >= WarmEntries) CoolFirst();
            }

            while (_bytes > maxBytes && _first < _end) DropFirst();
        }
    }

    /// <summary>Copies up to <paramref name="max"/> entries above <paramref name="after"/>; false when the first of them is no longer here.</summary>
    public bool TryRead(long after, int max, List<DeliveryEntry> into)
    {
        lock (_gate)
        {
            if (after + 1 < _first) return false;
            for (var version = after + 1; version <= _end && into.Count < max; version++) into.Add(_slots[version % _slots.Length]);
            return true;
        }
    }

    private void CoolFirst()
    {
        var entry = _slots[_warm++ % _slots.Length];
        _warmBytes -= entry.EstimatedBytes;
        entry.DropEncodings();
    }

    private void DropFirst()
    {
        if (_warm == _first) CoolFirst();
        ref var slot = ref _slots[_first % _slots.Length];
        _bytes -= slot.EstimatedBytes;
        slot = null!;
        Volatile.Write(ref _first, _first + 1);
    }

    private void Grow()
    {
        var larger = new DeliveryEntry[Math.Min(capacity, _slots.Length * 2)];
        for (var version = _first; version <= _end; version++) larger[version % larger.Length] = _slots[version % _slots.Length];
        _slots = larger;
    }
}
