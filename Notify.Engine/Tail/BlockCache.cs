using Notify.Engine.Delivery.Frames;
using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>
/// Pieces of the log that are older than what live delivery goes through, shared by all sessions that read there: aligned, read once
/// however many ask at the same time, the least recently used let go. Bounded by bytes: blocks of large notifications are far
/// larger than others.
/// </summary>
/// <param name="maxBytes">Of the blocks and of what their entries were encoded to.</param>
internal sealed class BlockCache(long maxBytes = BlockCache.DefaultBytes)
{
    /// <summary>Versions in a block.</summary>
    public const int Size = 1024;

    private const int Capacity = 32;
    private const long DefaultBytes = 96L * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, LinkedListNode<Piece>> _blocks = [];
    private readonly LinkedList<Piece> _byUse = [];
    private long _bytes;

    /// <summary>The block that holds the version after <paramref name="cursor"/>.</summary>
    /// <param name="cursor">Any version.</param>
    /// <param name="read">Reads a block that begins above a version.</param>
    /// <param name="oldest">What there is to read begins here: a block that would begin below it begins at the cursor.</param>
    public async Task<Block> GetAsync(long cursor, Func<long, Task<Block>> read, long oldest = 0)
    {
        var start = cursor / Size * Size;
        var block = await ReadOnceAsync(start + 1 < oldest ? cursor : start, read);

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

            if (known is not null) Remove(known);
            var node = _byUse.AddFirst(new Piece(after, read(after)));
            _blocks[after] = node;
            if (_blocks.Count > Capacity) Remove(_byUse.Last!);
            _ = CountAsync(node);
            return node.Value.Read;
        }
    }

    /// <summary>A block's bytes are known when it has been read; then older ones make room for it.</summary>
    private async Task CountAsync(LinkedListNode<Piece> node)
    {
        await ((Task)node.Value.Read).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!node.Value.Read.IsCompletedSuccessfully) return;
        var bytes = node.Value.Read.Result.EstimatedBytes;
        lock (_gate)
        {
            if (node.List is null) return; // let go meanwhile
            node.Value.Bytes = bytes;
            _bytes += bytes;
            while (_bytes > maxBytes && _byUse.Last is { } last)
            {
                Remove(last);
            }
        }
    }

    private void Remove(LinkedListNode<Piece> node)
    {
        _blocks.Remove(node.Value.After);
        _byUse.Remove(node);
        _bytes -= node.Value.Bytes;
    }

    private sealed class Piece(long after, Task<Block> read)
    {
        public long After { get; } = after;
        public Task<Block> Read { get; } = read;
        public long Bytes { get; set; }
    }
}

/// <summary>Contiguous entries: everything above where it was read from, up to <paramref name="Through"/>.</summary>
/// <param name="Head">Where the log was; its oldest version was looked up after the rows.</param>
internal sealed record Block(IReadOnlyList<DeliveryEntry> Entries, long Through, LogHead Head)
{
    /// <summary>An entry is kept as it is stored, and as each hub protocol's message once a session has sent it.</summary>
    private const int Forms = 3;

    public long EstimatedBytes => Entries.Sum(entry => (long)entry.EstimatedBytes) * Forms;
}
