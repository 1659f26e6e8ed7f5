using Notify.Engine.Delivery.Frames;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// How much goes to a client in one write. A client that takes a write at once gets frames whole, which costs a fan-out least; on a thin
/// line a frame of 256 KiB is on its way for so long that a stock client, which wants a message every 30 s, gives up on it. A session
/// begins with pieces, until half a megabyte was taken at once.
/// </summary>
internal struct WritePace
{
    /// <summary>More than sockets and pipes hold for a client that takes nothing.</summary>
    private const int ProofBytes = 512 * 1024;

    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    private int _takenAtOnce;

    /// <summary>Whether frames go out whole.</summary>
    public readonly bool IsQuick => _takenAtOnce >= ProofBytes;

    /// <summary>A write that nothing waited for.</summary>
    public void Took(OutgoingFrame frame)
    {
        if (!IsQuick) _takenAtOnce += frame.EstimatedBytes;
    }

    /// <summary>A write that waited for the client.</summary>
    public void Took(OutgoingFrame frame, TimeSpan after)
    {
        if (after > Slow) _takenAtOnce = 0;
        else Took(frame);
    }
}
