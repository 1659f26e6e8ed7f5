using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Delivery;

namespace Notify.Tests.Tail;

public class BlockCacheTests
{
    private readonly BlockCache _blocks = new();
    private readonly List<long> _reads = [];

    /// <summary>Versions that one read brings.</summary>
    private int _most = BlockCache.Size;

    [Fact]
    public async Task Readers_within_the_same_block_share_one_read_of_it()
    {
        var block = await _blocks.GetAsync(0, ReadAsync);
        Assert.Same(block, await _blocks.GetAsync(BlockCache.Size - 1, ReadAsync));
        Assert.NotSame(block, await _blocks.GetAsync(BlockCache.Size, ReadAsync));
        Assert.Equal([0, BlockCache.Size], _reads);
        Assert.Equal(2 * BlockCache.Size, (await _blocks.GetAsync(BlockCache.Size + 5, ReadAsync)).Through);
    }

    [Fact]
    public async Task A_reader_that_asks_while_a_block_is_read_gets_that_read()
    {
        var reading = new TaskCompletionSource<Block>();
        var first = _blocks.GetAsync(3, _ => reading.Task);
        var second = _blocks.GetAsync(7, ReadAsync);
        reading.SetResult(await ReadAsync(0));
        Assert.Same(await first, await second);
        Assert.Equal([0], _reads);
    }

    [Fact]
    public async Task Large_contents_end_a_block_early_and_the_next_piece_begins_at_the_cursor()
    {
        _most = 10;
        Assert.Equal(10, (await _blocks.GetAsync(9, ReadAsync)).Through);
        Assert.Equal(20, (await _blocks.GetAsync(10, ReadAsync)).Through);
        Assert.Equal(20, (await _blocks.GetAsync(10, ReadAsync)).Through);
        Assert.Equal([0, 10], _reads);
    }

    [Fact]
    public async Task A_read_that_failed_or_was_given_up_is_made_again()
    {
        var failed = Task.FromException<Block>(new StorageUnavailableException("Away, as told."));
        await Assert.ThrowsAsync<StorageUnavailableException>(() => _blocks.GetAsync(0, _ => failed));
        var givenUp = Task.FromCanceled<Block>(new CancellationToken(canceled: true));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _blocks.GetAsync(0, _ => givenUp));
        Assert.Equal(BlockCache.Size, (await _blocks.GetAsync(0, ReadAsync)).Through);
    }

    [Fact]
    public async Task The_block_that_was_not_used_for_longest_is_let_go()
    {
        for (var i = 0; i < 32; i++) await _blocks.GetAsync(i * BlockCache.Size, ReadAsync);
        await _blocks.GetAsync(0, ReadAsync); // used again
        await _blocks.GetAsync(32 * BlockCache.Size, ReadAsync);
        _reads.Clear();
        await _blocks.GetAsync(0, ReadAsync);
        for (var i = 2; i <= 32; i++) await _blocks.GetAsync(i * BlockCache.Size, ReadAsync);
        Assert.Empty(_reads);
        await _blocks.GetAsync(BlockCache.Size, ReadAsync);
        Assert.Equal([BlockCache.Size], _reads);
    }

    [Fact]
    public async Task Blocks_are_kept_up_to_their_bytes_and_then_make_room_for_the_latest()
    {
        var block = await ReadAsync(0);
        Assert.Equal(3 * block.Entries.Sum(entry => entry.EstimatedBytes), block.EstimatedBytes); // stored, and as each protocol's message
        var blocks = new BlockCache(2 * block.EstimatedBytes);
        for (var i = 0; i < 2; i++) await blocks.GetAsync(i * BlockCache.Size, ReadAsync);
        _reads.Clear();
        await blocks.GetAsync(0, ReadAsync); // used again
        Assert.Empty(_reads);
        for (var i = 2; i < 6; i++)
        {
            await blocks.GetAsync(i * BlockCache.Size, ReadAsync);
            await blocks.GetAsync(0, ReadAsync);
        }

        Assert.Equal([2, 3, 4, 5], _reads.Select(after => after / BlockCache.Size));
        await blocks.GetAsync(BlockCache.Size, ReadAsync);
        Assert.Equal(BlockCache.Size, _reads.Last());
    }

    [Fact]
    public async Task A_read_that_failed_takes_no_place()
    {
        var failed = Task.FromException<Block>(new StorageUnavailableException("Away, as told."));
        await Assert.ThrowsAsync<StorageUnavailableException>(() => _blocks.GetAsync(0, _ => failed));
        for (var i = 0; i < 32; i++) await _blocks.GetAsync(i * BlockCache.Size, ReadAsync);
        await _blocks.GetAsync(0, ReadAsync);
        await _blocks.GetAsync(32 * BlockCache.Size, ReadAsync); // one too many
        _reads.Clear();
        await _blocks.GetAsync(0, ReadAsync);
        Assert.Empty(_reads);
    }

    private Task<Block> ReadAsync(long after)
    {
        _reads.Add(after);
        return Task.FromResult(new Block(Entries.Range(after + 1, 2), after + _most, new LogHead(Guid.Empty, 1_000_000, 1)));
    }
}
