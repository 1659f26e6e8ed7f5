namespace Notify.Engine.Delivery.Routing;

/// <summary>
/// The interests of one session and where their intervals end, in arrays that grow little: most users change seldom after their
/// connection has begun. Removing keeps the order.
/// </summary>
internal struct InterestList()
{
    private const int FewInterests = 4;

    private Interest[] _held = [];
    private long[]? _untils; // beside what is held; null while nothing has an end

    public int Count { get; private set; }

    public readonly ReadOnlySpan<Interest> All => _held.AsSpan(0, Count);

    public readonly ref Interest this[int at] => ref _held[at];

    /// <summary>The last version of the interval; <see cref="Interest.Open"/> while it has no end.</summary>
    public readonly long Until(int at) => _untils?[at] ?? Interest.Open;

    public readonly bool IsOpen(int at) => Until(at) == Interest.Open;

    public void SetUntil(int at, long until)
    {
        if (_untils is null)
        {
            _untils = new long[_held.Length];
            Array.Fill(_untils, Interest.Open);
        }

        _untils[at] = until;
    }

    /// <summary>Makes room for exactly so many more.</summary>
    public void Reserve(int more)
    {
        if (Count + more > _held.Length) Resize(Count + more);
    }

    /// <summary>Makes room for one more, and with many for some.</summary>
    public void Grow()
    {
        if (Count == _held.Length) Resize(Count < FewInterests ? Count + 1 : Count + Count / 4);
    }

    /// <summary>Adds one whose interval is open. There is room for it: <see cref="Grow"/> or <see cref="Reserve"/> was called.</summary>
    public void Add(in Interest interest) => _held[Count++] = interest;

    public void RemoveAt(int at)
    {
        Count--;
        _held.AsSpan(at + 1, Count - at).CopyTo(_held.AsSpan(at));
        _held[Count] = default;
        if (_untils is null) return;
        _untils.AsSpan(at + 1, Count - at).CopyTo(_untils.AsSpan(at));
        _untils[Count] = Interest.Open;
    }

    public void Clear() => this = new InterestList();

    private void Resize(int length)
    {
        Array.Resize(ref _held, length);
        if (_untils is null) return;
        Array.Resize(ref _untils, length);
        _untils.AsSpan(Count).Fill(Interest.Open);
    }
}
