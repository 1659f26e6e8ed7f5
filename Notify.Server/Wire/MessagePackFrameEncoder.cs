using System.Buffers;
using System.Text.Json;
using MessagePack;
using Microsoft.AspNetCore.SignalR.Protocol;
using Notify.Contracts.Wire;
using Notify.Engine;
using Notify.Engine.Delivery.Frames;
using Notify.Storage.Log;

namespace Notify.Server.Wire;

/// <summary>
/// Writes the invocation by hand: the stored content is JSON, and walking it once into native MessagePack spares the
/// object graph that the stock protocol would want. (MessagePack's own ConvertFromJson turns 1e400 into Infinity and
/// loses long integers.)
/// </summary>
internal sealed class MessagePackFrameEncoder() : FrameEncoder(FrameFormat.MessagePack)
{
    private const int InvocationType = 1;
    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 64 };

    public override void WriteNotification(IBufferWriter<byte> output, LogEntry entry)
    {
        using var buffer = ThreadBuffer.Take(); // the message's length goes before it
        var message = buffer.Writer;
        var writer = new MessagePackWriter(message);

        // [type, headers, invocationId, target, arguments, streamIds]
        writer.WriteArrayHeader(6);
        writer.Write(InvocationType);
        writer.WriteMapHeader(0);
        writer.WriteNil();
        writer.WriteString("Notification"u8);
        writer.WriteArrayHeader(1);
        WriteEntry(ref writer, entry);
        writer.WriteArrayHeader(0);
        writer.Flush();

        WriteLength(output, message.WrittenCount);
        output.Write(message.WrittenSpan);
    }

    public override ReadOnlyMemory<byte> Control(string method, object payload) =>
        HubProtocols.MessagePack.GetMessageBytes(new InvocationMessage(method, [payload])).ToArray();

    public override object Package(ReadOnlyMemory<byte> bytes) => FrameEncoders.HubMessage(FrameEncoders.MessagePackProtocol, bytes);

    private static void WriteEntry(ref MessagePackWriter writer, LogEntry entry)
    {
        using var content = JsonDocument.Parse(entry.Content, Depth);
        var stored = entry.Version > 0;
        var members = content.RootElement.GetPropertyCount() + (stored ? 5 : 4) + (entry.ExpiresAt is null ? 0 : 1);

        writer.WriteMapHeader(members);
        if (stored)
        {
            writer.WriteString("version"u8);
            writer.Write(entry.Version);
        }

        writer.WriteString("id"u8);
        writer.Write(entry.Id.ToString());
        writer.WriteString("topic"u8);
        writer.Write(entry.Topic);
        if (stored)
        {
            writer.WriteString("topicSeq"u8);
            writer.Write(entry.TopicSeq);
        }

        foreach (var member in content.RootElement.EnumerateObject())
        {
            writer.Write(member.Name);
            JsonElementFormatter.Write(ref writer, member.Value);
        }

        writer.WriteString("publishedAt"u8);
        writer.Write(Rfc3339Converter.ToText(entry.PublishedAt));
        if (entry.ExpiresAt is { } expires)
        {
            writer.WriteString("expiresAt"u8);
            writer.Write(Rfc3339Converter.ToText(expires));
        }

        if (!stored)
        {
            writer.WriteString("ephemeral"u8);
            writer.Write(true);
        }
    }

    /// <summary>The hub protocol's length prefix: seven bits a byte, low ones first, the top bit says that more follow.</summary>
    private static void WriteLength(IBufferWriter<byte> output, int length)
    {
        Span<byte> prefix = stackalloc byte[5];
        var count = 0;
        do
        {
            prefix[count] = (byte)(length & 0x7f);
            length >>= 7;
            if (length > 0) prefix[count] |= 0x80;
            count++;
        }
        while (length > 0);
        output.Write(prefix[..count]);
    }
}
