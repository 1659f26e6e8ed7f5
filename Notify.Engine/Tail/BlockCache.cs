using Notify.Engine.Delivery.Frames;
using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>
/// Pieces of the stored log that are older than the ring, shared by all sessions that read there: aligned, read once
/// however many ask at the same time, the least recently used let go.
/// </summary>
internal sealed class BlockCache
{
    /// <summary>Versions in a block.</summary>
    public const int Size = 1024;

    private const int Capacity = 32;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, LinkedListNode<(long After, Task<Block> Read)>> _blocks = [];
    private readonly LinkedList<(long After, Task<Block> Read)> _byUse = [];

    /// <summary>The block that holds the version after <paramref name="cursor"/>.</summary>
    public async Task<Block> GetAsync(long cursor, Func<long, Task<Block>> read)
    {
        var block = await ReadOnceAsync(cursor / Size * Size, read);

        // Large contents end a block early; then the next piece begins at the cursor.
        return block.Through > cursor ? block : await ReadOnceAsync(cursor, read);
    }

    private Task<Block> ReadOnceAsync(long after, Func<long, Task<Block>> read)
    {
        lock (_gate)
        {
            if (_blocks.TryGetValue(after, out var known) && !known.Value.Read.IsFaulted && !known.Value.Read.IsCanceled)
            {
                _byUse.Remove(known);
                _byUse.AddFirst(known);
                return known.Value.Read;
            }

            if (known is not null) _byUse.Remove(known);
            var node = new LinkedListNode<(long, Task<Block>)>((after, read(after)));
            _blocks[after] = node;
            _byUse.AddFirst(node);
            if (_blocks.Count > Capacity)
            {
                _blocks.Remove(_byUse.Last!.Value.After);
                _byUse.RemoveLast();
            }

            return node.Value.Item2;
        }
    }
}

/// <summary>Contiguous entries: everything above where it was read from, up to <paramref name="Through"/>.</summary>
/// <param name="Head">Where the log was; its oldest version was looked up after the rows.</param>
internal sealed record Block(IReadOnlyList<DeliveryEntry> Entries, long Through, LogHead Head);
