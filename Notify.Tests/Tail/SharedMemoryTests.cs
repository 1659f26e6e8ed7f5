using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Delivery;

namespace Notify.Tests.Tail;

/// <summary>What a node keeps for sharing is bounded by bytes, whatever the size of a notification.</summary>
public sealed class SharedMemoryTests
{
    [Fact]
    public async Task Blocks_are_kept_by_their_bytes_and_the_least_recently_used_make_room()
    {
        var block = Block(0, contentBytes: 1000);
        var blocks = new BlockCache(maxBytes: 2 * block.EstimatedBytes);
        var reads = new List<long>();
        foreach (var after in new long[] { 0, 1, 0, 2, 0, 1 }) await ReadAsync(after);
        Assert.Equal([0, 1, 2, 1], reads);

        Task<Block> ReadAsync(long at) => blocks.GetAsync(at * BlockCache.Size, after =>
        {
            reads.Add(at);
            return Task.FromResult(Block(after, contentBytes: 1000));
        });
    }

    [Fact]
    public async Task A_block_larger_than_the_budget_is_used_and_not_kept()
    {
        var blocks = new BlockCache(maxBytes: 1000);
        var reads = 0;
        for (var i = 0; i < 2; i++) Assert.Equal(BlockCache.Size, (await blocks.GetAsync(0, after => Task.FromResult(Read(after)))).Through);
        Assert.Equal(2, reads);

        Block Read(long after)
        {
            reads++;
            return Block(after, contentBytes: 2000);
        }
    }

    [Fact]
    public void A_small_budget_reads_less_at_a_time()
    {
        Assert.Equal(4 * 1024 * 1024, new SharedMemory(192L * 1024 * 1024).ReadBytes);
        var small = new SharedMemory(24L * 1024 * 1024);
        Assert.Equal((8L * 1024 * 1024, 12L * 1024 * 1024, 1024L * 1024, 512 * 1024), (small.RingBytes, small.BlockBytes, small.PageBytes, small.ReadBytes));
    }

    private static Block Block(long after, int contentBytes) => new(
        [new DeliveryEntry(Entries.At(after + 1) with { Content = new byte[contentBytes] })], after + BlockCache.Size, new LogHead(Guid.Empty, 1_000_000, 1));
}
