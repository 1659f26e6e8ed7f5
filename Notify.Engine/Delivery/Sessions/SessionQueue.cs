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

    /// <summary>
    /// Takes as many of the next frames too as fit into one write with this one: those of notifications, made for the same interests.
    /// </summary>
    /// <returns>All as one frame; the given one when none of them fits.</returns>
    public NotificationFrame TakeTogether(NotificationFrame with, int stamp, JoinedFrames joined)
    {
        if (IsEmpty) return with;
        joined.Begin(with);
        while (_frames!.TryPeek(out var next) && next.Stamp == stamp && next.Frame is NotificationFrame frame && joined.TryAdd(frame)) Take();
        return joined.Join();
    }

    public void Clear()
    {
        _frames = null;
        _entries = _bytes = 0;
    }
}
