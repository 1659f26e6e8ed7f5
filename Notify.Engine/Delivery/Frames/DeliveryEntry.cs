using System.Buffers;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Frames;

/// <summary>A log entry on its way to connections, with its message in each format that was asked for so far.</summary>
internal sealed class DeliveryEntry(LogEntry entry)
{
    private const int InitialBytes = 1024;
    private const int KeptBytes = 256 * 1024; // what a rare large one grew is not kept

    // One a thread: an encoding allocates its bytes and nothing else.
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _output;

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
        var output = _output ??= new ArrayBufferWriter<byte>(InitialBytes);
        output.ResetWrittenCount();
        encoder.WriteNotification(output, Entry);
        var bytes = output.WrittenSpan.ToArray();
        if (output.Capacity > KeptBytes) _output = null;
        return bytes;
    }
}
