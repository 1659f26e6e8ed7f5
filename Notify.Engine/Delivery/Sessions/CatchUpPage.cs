using Notify.Engine.Delivery.Frames;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>One step of catching up, ready to be sent: the frames of what is wanted, and how far it goes.</summary>
internal sealed class CatchUpPage
{
    /// <summary>
    /// Bytes in one write: as much as a unit of live delivery has at most, so that a stalled client holds no more in one way
    /// than in the other. With the 64 KiB that the transport takes without waiting a fan-out delivered a quarter less: every
    /// write costs the same besides its bytes. A client that is not quick gets a frame in <see cref="WritePace">pieces</see>.
    /// </summary>
    private const int WriteBytes = 256 * 1024;

    public CatchUpPage(List<DeliveryEntry> wanted, long through)
    {
        Through = through;
        Frames = [.. NotificationFrame.Cut(wanted, WriteBytes)];
        foreach (var frame in Frames) EstimatedBytes += frame.EstimatedBytes;
    }

    /// <summary>In version order.</summary>
    public IReadOnlyList<NotificationFrame> Frames { get; }

    /// <summary>Nothing that is wanted lies between the last frame and here.</summary>
    public long Through { get; }

    public int EstimatedBytes { get; }
}
