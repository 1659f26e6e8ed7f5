namespace Notify.Engine.Tail;

/// <summary>
/// Committed batches that are ahead of the tail, in version order, bounded. With two publishing nodes their hints pass
/// each other all the time; parking them some milliseconds makes a read of the log the exception.
/// </summary>
internal sealed class ParkedHints(int capacity)
{
    private readonly SortedDictionary<long, Hint.Entries> _byFirst = [];

    public int Count => _byFirst.Count;

    /// <summary>Beyond the capacity the one furthest ahead is let go: the log has it.</summary>
    public void Park(Hint.Entries hint)
    {
        if (_byFirst.TryGetValue(hint.First, out var same) && same.Last >= hint.Last) return;
        _byFirst[hint.First] = hint;
        if (_byFirst.Count > capacity) _byFirst.Remove(_byFirst.Keys.Last());
    }

    /// <summary>The next one that begins at or below <paramref name="next"/>.</summary>
    public bool TryTake(long next, out Hint.Entries hint)
    {
        foreach (var (first, parked) in _byFirst)
        {
            if (first > next) break;
            _byFirst.Remove(first);
            hint = parked;
            return true;
        }

        hint = null!;
        return false;
    }

    public void Clear() => _byFirst.Clear();
}
