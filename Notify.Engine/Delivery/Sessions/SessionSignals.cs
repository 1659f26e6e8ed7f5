using System.Diagnostics.CodeAnalysis;
using Notify.Engine.Delivery.Frames;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// What a connection is to be told besides notifications: the last word of each kind. Bounded by the kinds. Empty it holds no memory of its
/// own.
/// </summary>
internal struct SessionSignals
{
    private List<(string Key, OutgoingFrame Frame)>? _frames;

    public readonly bool IsEmpty => _frames is null;

    /// <summary>A later signal of the same key takes the earlier one's place at the end.</summary>
    public void Add(string key, OutgoingFrame frame)
    {
        _frames ??= new(1);
        _frames.RemoveAll(waiting => string.Equals(waiting.Key, key, StringComparison.Ordinal));
        _frames.Add((key, frame));
    }

    public bool TryTake([NotNullWhen(true)] out OutgoingFrame? frame)
    {
        frame = null;
        if (_frames is not { Count: > 0 }) return false;
        frame = _frames[0].Frame;
        _frames.RemoveAt(0);
        if (_frames.Count == 0) _frames = null;
        return true;
    }
}
