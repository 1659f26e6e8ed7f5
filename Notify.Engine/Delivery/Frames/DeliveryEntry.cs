using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Frames;

/// <summary>A log entry on its way to connections, with its message in each format that was asked for so far.</summary>
internal sealed class DeliveryEntry(LogEntry entry)
{
    private static readonly Slab Encodings = new();

    // Empty: not encoded. Read and written under a lock on the entry itself, which has no object to spare for it: a thread that read one
    // half of a memory before it changed and the other half after would send other bytes.
    private ReadOnlyMemory<byte> _json;
    private ReadOnlyMemory<byte> _messagePack;

    public LogEntry Entry { get; } = entry;
    public long Version => Entry.Version;
    public string Topic => Entry.Topic;
    public int EstimatedBytes => LogLimits.EstimatedBytes(Entry.Content.Length);

    /// <summary>False for the log's own entries, which no client ever sees.</summary>
    public bool IsNotification => Entry.Kind == EntryKind.Notification;

    public bool HasExpired(DateTimeOffset now) => Entry.ExpiresAt <= now;

    /// <summary>Its message, kept for the next frame that has it; in JSON or MessagePack.</summary>
    public ReadOnlyMemory<byte> Encoded(FrameEncoder encoder)
    {
        ref var kept = ref encoder.Format == FrameFormat.Json ? ref _json : ref _messagePack;
        lock (this)
        {
            if (!kept.IsEmpty) return kept;
        }

        // Two connections may encode at the same time: the same bytes twice.
        var bytes = Encode(encoder);
        lock (this) kept = bytes;
        return bytes;
    }

    /// <summary>Lets go of the encoded forms; they are made again for a late reader.</summary>
    public void DropEncodings()
    {
        lock (this) _json = _messagePack = default;
    }

    private ReadOnlyMemory<byte> Encode(FrameEncoder encoder)
    {
        using var buffer = ThreadBuffer.Take();
        encoder.WriteNotification(buffer.Writer, Entry);
        return Encodings.Copy(buffer.Writer.WrittenSpan);
    }
}
