using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;

namespace Notify.Engine.Tail;

/// <summary>
/// The memory that a node keeps for sharing between sessions: the newest entries (the ring), older blocks of the log, and catch-up
/// pages, each with what they were encoded to. One budget in bytes (<c>Notify:Limits:SharedBytes</c>), so that a node in a small
/// container replays large notifications in the memory that it has.
/// </summary>
internal sealed class SharedMemory
{
    private const int DefaultShare = 6;
    private const long MostByDefault = 192L * 1024 * 1024;
    private const long MostRead = 4 * 1024 * 1024;
    private const long LeastRead = 128 * 1024;

    public SharedMemory(IOptions<NotifyOptions> options)
        : this(options.Value.Limits.SharedBytes is > 0 and var set ? set
            : Math.Min(MostByDefault, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / DefaultShare))
    {
    }

    /// <param name="bytes">The whole budget.</param>
    internal SharedMemory(long bytes)
    {
        RingBytes = bytes / 3;
        BlockBytes = bytes / 2;
        PageBytes = bytes / 24;
        ReadBytes = (int)Math.Clamp(BlockBytes / 24, LeastRead, MostRead);
    }

    /// <summary>The ring of newest entries; 64 MiB at the default's most.</summary>
    public long RingBytes { get; }

    /// <summary>Blocks of the log that are older than what the ring shares.</summary>
    public long BlockBytes { get; }

    /// <summary>Encoded catch-up pages.</summary>
    public long PageBytes { get; }

    /// <summary>Content that one read of the stored log brings; a few reads are in flight at a time.</summary>
    public int ReadBytes { get; }
}
