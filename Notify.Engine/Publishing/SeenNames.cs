using System.Text.Json;

namespace Notify.Engine.Publishing;

/// <summary>
/// The names met in the objects of one JSON value, to find a second one of the same name in the same object. One hash
/// table for all of them, kept by the thread: checking costs no allocation, and ten thousand names in one object cost
/// ten thousand look-ups, not fifty million comparisons.
/// </summary>
internal sealed class SeenNames : IDisposable
{
    private const int InitialNames = 64;

    // What a rare huge value grew is not kept.
    private const int KeptNames = 1024;

    [ThreadStatic]
    private static SeenNames? _kept;

    private readonly int[] _path = new int[StrictJson.MaxDepth + 1]; // the numbers of the open objects
    private int _depth;
    private int _objects;
    private int[] _heads = new int[InitialNames]; // 1-based index of a chain's first name
    private Entry[] _entries = new Entry[InitialNames];
    private int _count;
    private byte[] _text = new byte[InitialNames * 16];
    private int _textLength;

    private SeenNames()
    {
    }

    /// <summary>An empty one; dispose of it on the same thread, before any await.</summary>
    public static SeenNames Rent()
    {
        var names = _kept ?? new SeenNames();
        _kept = null;
        return names;
    }

    public void Enter() => _path[_depth++] = ++_objects;

    public void Leave() => _depth--;

    /// <summary>False when the object entered last has this name, unescaped, already.</summary>
    public bool Add(ref Utf8JsonReader reader)
    {
        if (_text.Length - _textLength < reader.ValueSpan.Length) Array.Resize(ref _text, Math.Max(_text.Length * 2, _textLength + reader.ValueSpan.Length));
        var length = reader.CopyString(_text.AsSpan(_textLength)); // unescaping never makes it longer
        var name = _text.AsSpan(_textLength, length);
        var owner = _path[_depth - 1];
        var hash = Hash(owner, name);

        for (var i = _heads[hash & (_heads.Length - 1)]; i != 0; i = _entries[i - 1].Next)
        {
            ref var other = ref _entries[i - 1];
            if (other.Hash == hash && other.Owner == owner && name.SequenceEqual(_text.AsSpan(other.Start, other.Length))) return false;
        }

        if (_count == _entries.Length) Grow();
        ref var head = ref _heads[hash & (_heads.Length - 1)];
        _entries[_count] = new Entry(hash, owner, _textLength, length, head);
        head = ++_count;
        _textLength += length;
        return true;
    }

    public void Dispose()
    {
        if (_entries.Length > KeptNames) return;
        Array.Clear(_heads);
        _depth = _objects = _count = _textLength = 0;
        _kept = this;
    }

    // HashCode is seeded per process: a client cannot prepare names that collide.
    private static int Hash(int owner, ReadOnlySpan<byte> name)
    {
        var hash = default(HashCode);
        hash.Add(owner);
        hash.AddBytes(name);
        return hash.ToHashCode();
    }

    private void Grow()
    {
        Array.Resize(ref _entries, _entries.Length * 2);
        _heads = new int[_entries.Length];
        for (var i = 0; i < _count; i++)
        {
            ref var head = ref _heads[_entries[i].Hash & (_heads.Length - 1)];
            _entries[i] = _entries[i] with { Next = head };
            head = i + 1;
        }
    }

    private readonly record struct Entry(int Hash, int Owner, int Start, int Length, int Next);
}
