using System.Buffers;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Frames;

/// <summary>A log entry on its way to connections, with its message in each format that was asked for so far.</summary>
internal sealed class DeliveryEntry(LogEntry entry)
{
    private byte[]? _json;
    private byte[]? _messagePack;

    public LogEntry Entry { get; } = entry;
    public long Version => Entry.Version;
    public string Topic => Entry.Topic;
    public int EstimatedBytes => Entry.Content.Length + LogLimits.EntryOverheadBytes;

    /// <summary>False for the log's own entries, which no client ever sees.</summary>
    public bool IsNotification => Entry.Kind == EntryKind.Notification;

    public bool HasExpired(DateTimeOffset now) => Entry.ExpiresAt <= now;

    public byte[] Encoded(FrameEncoder encoder) => encoder.Format switch
    {
        FrameFormat.Json => _json ??= Encode(encoder),
        FrameFormat.MessagePack => _messagePack ??= Encode(encoder),
        _ => Encode(encoder),
    };

    /// <summary>Lets go of the encoded forms; they are made again for a late reader.</summary>
    public void DropEncodings() => _json = _messagePack = null;

    private byte[] Encode(FrameEncoder encoder)
    {
        var output = new ArrayBufferWriter<byte>(EstimatedBytes + 128);
        encoder.WriteNotification(output, Entry);
        return output.WrittenSpan.ToArray();
    }
}
