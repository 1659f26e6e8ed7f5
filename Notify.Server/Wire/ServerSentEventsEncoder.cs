using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Notify.Contracts.Hub;
using Notify.Contracts.Wire;
using Notify.Engine;
using Notify.Engine.Delivery.Frames;
using Notify.Storage.Log;

namespace Notify.Server.Wire;

internal sealed class ServerSentEventsEncoder() : FrameEncoder(FrameFormat.ServerSentEvents)
{
    public override void WriteNotification(IBufferWriter<byte> output, LogEntry entry)
    {
        output.Write("event: notification\n"u8);
        if (entry.Version > 0) Id(output, entry.Version);
        output.Write("data: "u8);
        if (entry.Content.Span.ContainsAny((byte)'\n', (byte)'\r'))
        {
            using var json = ThreadBuffer.Take();
            NotificationJson.Write(json.Writer, entry);
            WriteOnOneLine(output, json.Writer.WrittenSpan);
        }
        else
        {
            NotificationJson.Write(output, entry);
        }

        output.Write("\n\n"u8);
    }

    public override ReadOnlyMemory<byte> Control(string method, object payload)
    {
        var output = new ArrayBufferWriter<byte>();
        var (name, id) = payload switch
        {
            // Each carries the number from which the browser comes back by itself (Last-Event-ID).
            CaughtUp caughtUp => ("caught-up", caughtUp.Head),
            Gap gap => ("gap", gap.Oldest - 1),
            Progress progress => ("progress", progress.Version),
            _ => throw new ArgumentException($"The stream has no event for {method}.", nameof(method)),
        };
        output.Write(Encoding.ASCII.GetBytes($"event: {name}\n"));
        Id(output, id);
        output.Write("data: "u8);
        output.Write(JsonSerializer.SerializeToUtf8Bytes(payload, payload.GetType(), NotifyJson.Options));
        output.Write("\n\n"u8);
        return output.WrittenSpan.ToArray();
    }

    private static void Id(IBufferWriter<byte> output, long version)
    {
        output.Write("id: "u8);
        var digits = output.GetSpan(20);
        version.TryFormat(digits, out var written, provider: CultureInfo.InvariantCulture);
        output.Advance(written);
        output.Write("\n"u8);
    }

    /// <summary>
    /// A line break would end the data field. In JSON one can only stand between tokens (in strings it is escaped),
    /// where a space means the same.
    /// </summary>
    private static void WriteOnOneLine(IBufferWriter<byte> output, ReadOnlySpan<byte> json)
    {
        var line = output.GetSpan(json.Length)[..json.Length];
        json.CopyTo(line);
        line.Replace((byte)'\n', (byte)' ');
        line.Replace((byte)'\r', (byte)' ');
        output.Advance(json.Length);
    }
}
