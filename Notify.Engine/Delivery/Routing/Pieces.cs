namespace Notify.Engine.Delivery.Routing;

/// <summary>
/// Memory for names and short lists of numbers, of which a node has some hundred thousand: each would cost as much again as
/// an object. A place that is given back is taken again by what has the same size. Changed under the router's gate; what a
/// place holds may be read without it for as long as the place is taken.
/// </summary>
internal sealed class Pieces
{
    /// <summary>16 KiB: a router that is made for one question costs little.</summary>
    private const int ChunkBits = 12;

    private const int ChunkUnits = 1 << ChunkBits;

    private int[][] _chunks = []; // replaced when there is one more: a reader on another thread keeps the old ones
    private int[] _free = []; // by size: a place that was given back, whose first unit says where the next one is
    private int _end;

    /// <summary>A place of so many units of four bytes; never 0.</summary>
    public int Take(int units)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(units, ChunkUnits);
        if (units < _free.Length && _free[units] is > 0 and var free)
        {
            _free[units] = At(free, 1)[0];
            return free;
        }

        var room = _chunks.Length * ChunkUnits - _end;
        if (room < units)
        {
            if (room > 0 && _end > 0) Give(_end, room);
            _end = Math.Max(_chunks.Length * ChunkUnits, 1); // 0 is no place
            _chunks = [.. _chunks, new int[ChunkUnits]];
            if (_end + units > _chunks.Length * ChunkUnits) return Take(units); // all of the first chunk, but for the place that is none
        }

        var place = _end;
        _end += units;
        return place;
    }

    public void Give(int place, int units)
    {
        if (units >= _free.Length) Array.Resize(ref _free, units + 1);
        At(place, 1)[0] = _free[units];
        _free[units] = place;
    }

    public Span<int> At(int place, int units) => _chunks[place >> ChunkBits].AsSpan(place & (ChunkUnits - 1), units);

    /// <summary>Nothing is taken any more.</summary>
    public void Clear() => (_chunks, _free, _end) = ([], [], 0);
}
