namespace Notify.Engine;

/// <summary>
/// Memory for what many log entries keep for about as long as each other: their contents, or their encoded forms, one behind the other in
/// blocks. A block is freed when the last of its entries is. Kept one by one, what a busy node publishes was moved through three generations, and
/// that was most of the collector's pauses.
/// </summary>
internal sealed class Slab
{
    /// <summary>
    /// Under the 85,000 bytes from which on an array is a large object: those are freed by full collections only, and cause them.
    /// </summary>
    private const int BlockBytes = 64 * 1024;

    /// <summary>More than this is a block of its own: little is left over at the end of a block.</summary>
    private const int MostSharedBytes = BlockBytes / 8;

    private readonly Lock _gate = new();
    private byte[] _block = [];
    private int _used;

    /// <summary>A copy that stays as long as it is referred to.</summary>
    public ReadOnlyMemory<byte> Copy(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MostSharedBytes) return bytes.ToArray();
        Memory<byte> place;
        lock (_gate)
        {
            if (_block.Length - _used < bytes.Length) (_block, _used) = (GC.AllocateUninitializedArray<byte>(BlockBytes), 0);
            place = _block.AsMemory(_used, bytes.Length);
            _used += bytes.Length;
        }

        bytes.CopyTo(place.Span);
        return place;
    }
}
