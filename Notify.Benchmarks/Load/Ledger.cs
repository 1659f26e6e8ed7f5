namespace Notify.Benchmarks.Load;

/// <summary>
/// What one connection got, held against what it must get: versions strictly rising, and one after the other where the
/// connection follows all that is published.
/// </summary>
internal sealed class Ledger(bool isOrdered, bool isGapless)
{
    public long Count { get; private set; }
    public long Last { get; private set; }

    /// <summary>Came again, or after a later one.</summary>
    public long Disordered { get; private set; }

    /// <summary>Versions passed over.</summary>
    public long Missing { get; private set; }

    public void Begin(long since) => Last = since;

    public void Note(long version)
    {
        Count++;
        if (!isOrdered) return;
        if (version <= Last) Disordered++;
        else if (isGapless) Missing += version - Last - 1;
        Last = version;
    }

    public void NoteUnnumbered() => Count++;
}
