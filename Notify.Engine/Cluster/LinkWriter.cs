using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Notify.Storage.Log;

namespace Notify.Engine.Cluster;

/// <summary>Writes messages in <see cref="LinkFormat"/>.</summary>
internal static class LinkWriter
{
    public static EncodedMessage Write(Guid node, LinkMessage message)
    {
        var output = new ArrayBufferWriter<byte>(512);
        var kind = message switch
        {
            LinkMessage.Entries => LinkKind.Entries,
            LinkMessage.Position => LinkKind.Position,
            LinkMessage.Ephemeral => LinkKind.Ephemeral,
            LinkMessage.Signal => LinkKind.Signal,
            LinkMessage.Hello => LinkKind.Hello,
            LinkMessage.Presence => LinkKind.Presence,
            _ => throw new NotSupportedException(message.GetType().Name),
        };
        output.Write([LinkFormat.Version, (byte)kind]);
        Write(output, node);
        Write(output, message.Epoch);
        var contentsAt = WriteBody(output, message);
        return new EncodedMessage(output.WrittenSpan.ToArray(), contentsAt, kind);
    }

    private static int WriteBody(ArrayBufferWriter<byte> output, LinkMessage message)
    {
        switch (message)
        {
            case LinkMessage.Entries { Committed: var entries, Trace: var trace }:
                Write(output, entries[0].Version);
                Write(output, entries[^1].Version);
                Write(output, trace);
                foreach (var entry in entries) WriteMeta(output, entry);
                var at = output.WrittenCount;
                foreach (var entry in entries) output.Write(entry.Content.Span);
                return at;
            case LinkMessage.Position(_, var first, var last):
                Write(output, first);
                Write(output, last);
                return output.WrittenCount;
            case LinkMessage.Ephemeral { Notification: var notification }:
                WriteMeta(output, notification);
                at = output.WrittenCount;
                output.Write(notification.Content.Span);
                return at;
            case LinkMessage.Signal signal:
                output.Write([(byte)signal.To]);
                Write(output, signal.Names);
                Write(output, signal.Except);
                Write(output, signal.Method);
                at = output.WrittenCount;
                output.Write(signal.Arguments.Span);
                return at;
            case LinkMessage.Presence presence:
                at = output.WrittenCount;
                output.Write(presence.Letter.Span);
                return at;
            case LinkMessage.Hello:
                return output.WrittenCount;
            default:
                throw new NotSupportedException(message.GetType().Name);
        }
    }

    private static void WriteMeta(ArrayBufferWriter<byte> output, LogEntry entry)
    {
        Write(output, entry.Id);
        output.Write([(byte)entry.Kind]);
        Write(output, entry.Topic);
        Write(output, entry.TopicSeq);
        Write(output, entry.PublishedAt.UtcTicks);
        Write(output, entry.ExpiresAt?.UtcTicks ?? 0);
        BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(4), entry.Content.Length);
        output.Advance(4);
    }

    private static void Write(ArrayBufferWriter<byte> output, IReadOnlyList<string> texts)
    {
        WriteLength(output, texts.Count);
        foreach (var text in texts) Write(output, text);
    }

    private static void Write(ArrayBufferWriter<byte> output, string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        WriteLength(output, length);
        Encoding.UTF8.GetBytes(text, output.GetSpan(length));
        output.Advance(length);
    }

    private static void WriteLength(ArrayBufferWriter<byte> output, int length)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(output.GetSpan(2), checked((ushort)length));
        output.Advance(2);
    }

    private static void Write(ArrayBufferWriter<byte> output, long number)
    {
        BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(8), number);
        output.Advance(8);
    }

    private static void Write(ArrayBufferWriter<byte> output, ActivityContext trace)
    {
        var bytes = output.GetSpan(LinkFormat.TraceBytes);
        trace.TraceId.CopyTo(bytes[..16]);
        trace.SpanId.CopyTo(bytes.Slice(16, 8));
        bytes[24] = (byte)(trace.TraceFlags & ActivityTraceFlags.Recorded);
        output.Advance(LinkFormat.TraceBytes);
    }

    private static void Write(ArrayBufferWriter<byte> output, Guid id)
    {
        id.TryWriteBytes(output.GetSpan(16));
        output.Advance(16);
    }
}
