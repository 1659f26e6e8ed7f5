using Notify.Engine.Delivery.Frames;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>What waits to be written to one connection: bounded by notifications and bytes. Empty it holds no memory of its own.</summary>
internal struct SessionQueue
{
    private Queue<(OutgoingFrame Frame, int Stamp)>? _frames;
    private int _entries;
    private int _bytes;

    public readonly bool IsEmpty => _frames is null or { Count: 0 };

    /// <summary>False when it would be over the bounds. An empty queue takes one frame of any size.</summary>
    public readonly bool Fits(OutgoingFrame frame, int maxEntries, int maxBytes) =>
        IsEmpty || (_entries + frame.Entries <= maxEntries && _bytes + frame.EstimatedBytes <= maxBytes);

    /// <param name="frame">What is to be written.</param>
    /// <param name="stamp">Of the interests that it was made for.</param>
    public void Add(OutgoingFrame frame, int stamp)
    {
        (_frames ??= new Queue<(OutgoingFrame, int)>(2)).Enqueue((frame, stamp));
        _entries += frame.Entries;
        _bytes += frame.EstimatedBytes;
    }

    public (OutgoingFrame Frame, int Stamp) Take()
    {
        var next = _frames!.Dequeue();
        _entries -= next.Frame.Entries;
        _bytes -= next.Frame.EstimatedBytes;
        return next;
    }

    /// <summary>Takes the next frame too when it fits into one write with this one, and was made for the same interests.</summary>
    /// <returns>Both as one frame; null when nothing was taken.</returns>
    public NotificationFrame? TakeTogether(NotificationFrame with, int stamp, JoinedFrames joined)
    {
        if (IsEmpty || _frames!.Peek() is not (NotificationFrame next, var ofNext) || ofNext != stamp || joined.Join(with, next) is not { } both) return null;
        Take();
        return both;
    }

    public void Clear()
    {
        _frames = null;
        _entries = _bytes = 0;
    }
}
