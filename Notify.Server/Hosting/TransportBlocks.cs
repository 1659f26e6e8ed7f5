using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Notify.Engine.Delivery.Replay;

namespace Notify.Server.Hosting;

/// <summary>
/// The memory that requests are read into and everything is sent from, instead of Kestrel's own: blocks large enough that a frame of
/// many notifications is one piece down to the socket, and the block used last is used next, while it is in the core's cache.
/// </summary>
/// <remarks>A connection has blocks only while something of it is being read or sent. (docs/decisions/0010)</remarks>
internal sealed class TransportBlocks : MemoryPool<byte>
{
    /// <summary>Bytes. Kestrel's have 4 KB; more than this gained nothing.</summary>
    public const int BlockBytes = 32 * 1024;

    /// <summary>How often half of the blocks that were not needed meanwhile is released.</summary>
    public static readonly TimeSpan TrimInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new(); // enough: Kestrel makes a pool for each core, up to sixteen
    private readonly List<Block> _free = [];
    private readonly ITimer _trim;
    private int _unneeded; // the fewest that were free at a time since the last trim
    private bool _closed;

    public TransportBlocks(TimeProvider time) => _trim = time.CreateTimer(_ => Trim(), null, TrimInterval, TrimInterval);

    public override int MaxBufferSize => BlockBytes;

    /// <summary>Blocks that wait to be used.</summary>
    public int Free
    {
        get
        {
            lock (_lock) return _free.Count;
        }
    }

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        lock (_lock)
        {
            if (_free.Count > 0)
            {
                var block = _free[^1];
                _free.RemoveAt(_free.Count - 1);
                _unneeded = Math.Min(_unneeded, _free.Count);
                block.IsFree = false;
                return block;
            }
        }

        return new Block(this);
    }

    protected override void Dispose(bool disposing)
    {
        lock (_lock)
        {
            _closed = true;
            _free.Clear();
            _unneeded = 0;
        }

        _trim.Dispose();
    }

    private void Return(Block block)
    {
        lock (_lock)
        {
            if (block.IsFree) return; // twice in here, it would be two connections'
            block.IsFree = true;
            if (!_closed) _free.Add(block);
        }
    }

    private void Trim()
    {
        lock (_lock)
        {
            _free.RemoveRange(0, (_unneeded + 1) / 2); // those used longest ago
            _unneeded = _free.Count;
        }
    }

    private sealed class Block(TransportBlocks pool) : IMemoryOwner<byte>
    {
        // Pinned, so that no system call has to do it.
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);

        public bool IsFree { get; set; }

        public Memory<byte> Memory => MemoryMarshal.CreateFromPinnedArray(_bytes, 0, _bytes.Length);

        public void Dispose() => pool.Return(this);
    }
}

/// <summary>Asked by Kestrel for each of its pools.</summary>
internal sealed class TransportBlocksFactory(TimeProvider time) : IMemoryPoolFactory<byte>
{
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new TransportBlocks(time);
}
