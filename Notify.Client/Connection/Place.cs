using Notify.Contracts.Hub;

namespace Notify.Client.Connection;

/// <summary>
/// Where the connections of one client are in the log: what the next Resume says. It runs ahead of the saved cursor by
/// what waits for the reader. Not thread-safe: SignalR runs handlers one after the other, and the lock is the buffer's.
/// </summary>
internal sealed class Place(Cursor? start)
{
    public long? Since { get; private set; } = start?.Since;

    public string? Epoch { get; private set; } = start?.Epoch;

    /// <summary>The cursor of a client that has handled everything so far; null before the first answer to Resume.</summary>
    public Cursor? Cursor => Since is { } since && Epoch is { } epoch ? new Cursor(since, epoch) : null;

    /// <summary>
    /// Only a first Resume teaches the epoch: when the log was replaced, the old epoch stands until the Gap has said
    /// what that means. Taken over earlier, a connection lost before the Gap would hide the change for good.
    /// </summary>
    public void Resumed(ResumeResult result)
    {
        Epoch ??= result.Epoch;
        Since ??= result.Since;
    }

    /// <summary>True for a version not had before. The server sends each once; this is for the day it does not.</summary>
    public bool Advance(long version)
    {
        if (version <= Since) return false;
        Since = version;
        return true;
    }

    /// <summary>The connection has everything up to here.</summary>
    public void Reached(long version, string epoch)
    {
        Since = Math.Max(version, Since ?? 0);
        Epoch = epoch;
    }

    /// <summary>What follows starts at <see cref="Gap.Oldest"/>; in another epoch that may be below the old number.</summary>
    public void Skipped(Gap gap)
    {
        Since = gap.Oldest - 1;
        Epoch = gap.Epoch;
    }
}
