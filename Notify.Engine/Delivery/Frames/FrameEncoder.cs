using System.Buffers;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Frames;

/// <summary>Writes what a connection is sent in one format. One instance a format; the edge has them.</summary>
internal abstract class FrameEncoder(FrameFormat format)
{
    public FrameFormat Format => format;

    /// <summary>Appends one notification as a whole message of the format.</summary>
    public abstract void WriteNotification(IBufferWriter<byte> output, LogEntry entry);

    /// <summary>One of <see cref="Contracts.Hub.ClientMethods"/> but Notification, with its record.</summary>
    public abstract ReadOnlyMemory<byte> Control(string method, object payload);

    /// <summary>What the format's connections write instead of the bare bytes; made once a frame, with its bytes. Null: the bytes.</summary>
    public virtual object? Package(ReadOnlyMemory<byte> bytes) => null;
}
