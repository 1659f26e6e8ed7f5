namespace Notify.Engine.Delivery.Routing;

/// <summary>
/// The holders of each filter, by numbers, each once. Most filters have one holder or a few: one is in the row itself, and a
/// few have exactly the room that they need. Changed and read under the router's gate.
/// </summary>
internal sealed class HolderLists(Pieces pieces)
{
    /// <summary>A list is searched and moved as a whole; more holders than this are a set.</summary>
    private const int MostListed = 16;

    private const int InSet = -1;

    private readonly Rows<Row> _rows = new();
    private readonly Dictionary<int, NumberSet> _sets = [];

    /// <summary>There is a list for this filter from here on.</summary>
    public void Reach(int filter) => _rows.Reach(filter);

    public int CountOf(int filter) => _rows[filter].Count;

    /// <summary>The holders of a filter; a 0 is none.</summary>
    public ReadOnlySpan<int> Of(int filter)
    {
        ref var row = ref _rows[filter];
        return row switch
        {
            { Count: 0 } => [],
            { Place: InSet } => _sets[filter].Slots,
            { Count: 1 } => new ReadOnlySpan<int>(ref row.Place),
            _ => pieces.At(row.Place, row.Count),
        };
    }

    public void Add(int filter, int holder)
    {
        ref var row = ref _rows[filter];
        if (row.Count > 0 && row.Place == InSet) _sets[filter].Add(holder);
        else
        {
            Span<int> all = [.. Of(filter), holder];
            Move(filter, ref row, all);
        }

        row.Count++;
    }

    public void Remove(int filter, int holder)
    {
        ref var row = ref _rows[filter];
        if (row.Place != InSet) Move(filter, ref row, Others(Of(filter), holder));
        else
        {
            _sets[filter].Remove(holder);
            if (row.Count - 1 <= MostListed / 2) Move(filter, ref row, Others(_sets[filter].Slots, 0));
        }

        row.Count--;
    }

    public void Clear()
    {
        _rows.Clear();
        _sets.Clear();
    }

    private static int[] Others(ReadOnlySpan<int> holders, int holder)
    {
        var others = new List<int>(holders.Length);
        foreach (var one in holders)
        {
            if (one != holder) others.Add(one);
        }

        return [.. others];
    }

    private void Move(int filter, ref Row row, ReadOnlySpan<int> holders)
    {
        var left = row;
        if (holders.Length > MostListed) (row.Place, _sets[filter]) = (InSet, new NumberSet(holders));
        else if (holders.Length > 1) holders.CopyTo(pieces.At(row.Place = pieces.Take(holders.Length), holders.Length));
        else row.Place = holders.Length == 1 ? holders[0] : 0;

        if (left.Place == InSet) _sets.Remove(filter);
        else if (left.Count > 1) pieces.Give(left.Place, left.Count);
    }

    private struct Row
    {
        /// <summary>The only holder, or where they are, or <see cref="InSet"/>.</summary>
        public int Place;

        public int Count;
    }
}
