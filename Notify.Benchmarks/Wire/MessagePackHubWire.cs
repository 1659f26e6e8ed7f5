using System.Buffers;
using System.Buffers.Binary;
using MessagePack;
using Notify.Benchmarks.Sockets;

namespace Notify.Benchmarks.Wire;

internal sealed class MessagePackHubWire : HubWire
{
    private const byte JsonSeparator = 0x1e;

    public override string Name => "messagepack";
    public override byte[] Handshake { get; } = WebSocketWriter.Text("{\"protocol\":\"messagepack\",\"version\":1}\u001e"u8);
    public override byte[] Ping { get; } = WebSocketWriter.Binary([2, 0x91, 6]);

    /// <summary>Behind the length: [1, {}, nil, "Notification", …], with or without the stream ids at the end.</summary>
    private static ReadOnlySpan<byte> NotificationStart => [1, 0x80, 0xc0, 0xac, (byte)'N', (byte)'o', (byte)'t'];

    private static ReadOnlySpan<byte> BodyKey => [0xa4, (byte)'b', (byte)'o', (byte)'d', (byte)'y'];

    public override byte[] Resume(string[] topics, long? since) => Call("Resume", (ref MessagePackWriter writer) =>
    {
        writer.WriteMapHeader(since is null ? 1 : 2);
        if (since is { } version)
        {
            writer.Write("since");
            writer.Write(version);
        }

        writer.Write("topics");
        writer.WriteArrayHeader(topics.Length);
        foreach (var topic in topics) writer.Write(topic);
    });

    public override byte[] Join(string topic) => Call("Join", (ref MessagePackWriter writer) => writer.Write(topic));

    public override byte[] Publish(string topic, string body) => Call("Publish", (ref MessagePackWriter writer) =>
    {
        writer.WriteMapHeader(2);
        writer.Write("topic");
        writer.Write(topic);
        writer.Write("body");
        writer.Write(body);
    });

    public override int MessageLength(ReadOnlySpan<byte> input)
    {
        // The answer to the handshake is JSON in either protocol. No binary message is 123 bytes long and begins with a quote or brace.
        if (input.Length >= 2 && input[0] == '{' && input[1] is (byte)'}' or (byte)'"') return input.IndexOf(JsonSeparator) + 1;
        var length = 0;
        for (var i = 0; i < 5 && i < input.Length; i++)
        {
            length |= (input[i] & 0x7f) << (7 * i);
            if ((input[i] & 0x80) == 0) return i + 1 + length <= input.Length ? i + 1 + length : 0;
        }

        return 0;
    }

    public override HubMessageKind Classify(ReadOnlySpan<byte> message)
    {
        var at = 0;
        while ((message[at] & 0x80) != 0) at++;
        var body = message[(at + 2)..]; // past the length and the array's header
        if (message[0] == '{' || body.IsEmpty) return HubMessageKind.Other;
        if (body.StartsWith(NotificationStart)) return HubMessageKind.Notification;
        return body[0] switch
        {
            3 => body.Length > 4 && body[4] == 1 ? HubMessageKind.FailedAnswer : HubMessageKind.Answer, // [3, {}, "1", kind, …]
            7 => HubMessageKind.Close,
            1 when body.IndexOf("CaughtUp"u8) > 0 => HubMessageKind.CaughtUp,
            1 when body.IndexOf("Gap"u8) > 0 => HubMessageKind.Gap,
            _ => HubMessageKind.Other,
        };
    }

    public override long Number(ReadOnlySpan<byte> message, ReadOnlySpan<byte> name)
    {
        var at = message.IndexOf(name);
        if (at < 0) return -1;
        var value = message[(at + name.Length)..];
        return value[0] switch
        {
            <= 0x7f => value[0],
            0xcc => value[1],
            0xcd => BinaryPrimitives.ReadUInt16BigEndian(value[1..]),
            0xce => BinaryPrimitives.ReadUInt32BigEndian(value[1..]),
            0xcf or 0xd3 => BinaryPrimitives.ReadInt64BigEndian(value[1..]),
            _ => -1,
        };
    }

    public override long Stamp(ReadOnlySpan<byte> message)
    {
        var at = message.IndexOf(BodyKey);
        if (at < 0) return 0;
        var value = message[(at + BodyKey.Length)..];
        return Digits(value[(value[0] switch { 0xd9 => 2, 0xda => 3, _ => 1 })..]);
    }

    private static byte[] Call(string target, WriteArgument argument)
    {
        var message = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(message);
        writer.WriteArrayHeader(6);
        writer.Write(1);
        writer.WriteMapHeader(0);
        writer.Write("1");
        writer.Write(target);
        writer.WriteArrayHeader(1);
        argument(ref writer);
        writer.WriteArrayHeader(0);
        writer.Flush();

        var framed = new ArrayBufferWriter<byte>();
        var length = message.WrittenCount;
        do
        {
            framed.Write([(byte)((length & 0x7f) | (length > 0x7f ? 0x80 : 0))]);
            length >>= 7;
        }
        while (length > 0);
        framed.Write(message.WrittenSpan);
        return WebSocketWriter.Binary(framed.WrittenSpan);
    }

    private delegate void WriteArgument(ref MessagePackWriter writer);
}
