namespace Notify.Engine.Tail;

/// <summary>
/// The ring's own copies of the contents of its older entries, one behind the other in chunks that are used again. Nothing outside the ring refers
/// to them, a reader gets a copy: so a busy node with a full ring allocates none, and has hardly a reason for a full collection. Used under the
/// ring's gate.
/// </summary>
internal sealed class RingContents
{
    private const int ChunkBytes = 256 * 1024;

    /// <summary>A larger content stays where it is: little is left over at the end of a chunk.</summary>
    private const int MostBytes = ChunkBytes / 16;

    private static readonly Slab Copies = new();

    private Chunk _last = new();
    private Chunk? _spare;

    public Place Add(ReadOnlyMemory<byte> content)
    {
        if (content.Length > MostBytes) return new Place(content, null);
        if (_last.Used + content.Length > ChunkBytes) (_last, _spare) = (_spare ?? new Chunk(), null);
        var place = _last.Bytes.AsMemory(_last.Used, content.Length);
        content.Span.CopyTo(place.Span);
        _last.Used += content.Length;
        _last.Contents++;
        return new Place(place, _last);
    }

    /// <summary>What was added here is not needed any more.</summary>
    public void Remove(Place place)
    {
        if (place.Chunk is not { } chunk || --chunk.Contents > 0) return;
        chunk.Used = 0;
        if (chunk != _last) _spare = chunk;
    }

    /// <summary>Where a content is.</summary>
    /// <param name="bytes">The content.</param>
    /// <param name="chunk">Whose chunk it is in; null: nobody's, and it never changes.</param>
    internal readonly struct Place(ReadOnlyMemory<byte> bytes, Chunk? chunk)
    {
        public Chunk? Chunk => chunk;
        public int Length => bytes.Length;

        /// <summary>The content, for as long as a reader keeps it.</summary>
        public ReadOnlyMemory<byte> Copy() => chunk is null ? bytes : Copies.Copy(bytes.Span);
    }

    internal sealed class Chunk
    {
        public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(ChunkBytes);
        public int Used { get; set; }
        public int Contents { get; set; }
    }
}
