using System.Buffers;
using Microsoft.Extensions.Time.Testing;
using Notify.Server.Hosting;

namespace Notify.Tests.Hosting;

public sealed class TransportBlocksTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly TransportBlocks _blocks;

    public TransportBlocksTests() => _blocks = new TransportBlocks(_time);

    [Fact]
    public void The_block_given_back_last_is_used_next()
    {
        var (first, second) = (_blocks.Rent(), _blocks.Rent(4096));
        first.Dispose();
        second.Dispose();

        Assert.Same(second, _blocks.Rent());
        Assert.Same(first, _blocks.Rent());
        Assert.Equal(TransportBlocks.BlockBytes, first.Memory.Length);
    }

    [Fact]
    public void A_block_given_back_twice_belongs_to_one_only()
    {
        var block = _blocks.Rent();
        block.Dispose();
        block.Dispose();

        Assert.NotSame(_blocks.Rent(), _blocks.Rent());
    }

    [Fact]
    public void More_than_a_block_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _blocks.Rent(TransportBlocks.BlockBytes + 1));

    [Fact]
    public void Unused_memory_is_given_back_half_of_it_at_a_time()
    {
        RentAndReturn(100);
        _time.Advance(TransportBlocks.TrimInterval); // all of them were needed until now
        Assert.Equal(100, _blocks.Free);

        RentAndReturn(20);
        _time.Advance(TransportBlocks.TrimInterval);
        Assert.Equal(60, _blocks.Free);

        for (var i = 0; i < 10; i++) _time.Advance(TransportBlocks.TrimInterval);
        Assert.Equal(0, _blocks.Free);
    }

    [Fact]
    public void What_comes_back_after_the_end_is_not_kept()
    {
        var block = _blocks.Rent();
        RentAndReturn(3);
        _blocks.Dispose();
        block.Dispose();

        Assert.Equal(0, _blocks.Free);
    }

    public void Dispose() => _blocks.Dispose();

    private void RentAndReturn(int count)
    {
        IMemoryOwner<byte>[] rented = [.. Enumerable.Range(0, count).Select(_ => _blocks.Rent())];
        foreach (var block in rented) block.Dispose();
    }
}
