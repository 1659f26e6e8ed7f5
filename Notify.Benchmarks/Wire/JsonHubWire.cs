using System.Text;
using System.Text.Json;
using Notify.Benchmarks.Sockets;

namespace Notify.Benchmarks.Wire;

internal sealed class JsonHubWire : HubWire
{
    private const byte Separator = 0x1e;

    public override string Name => "json";
    public override byte[] Handshake { get; } = WebSocketWriter.Text("{\"protocol\":\"json\",\"version\":1}\u001e"u8);
    public override byte[] Ping { get; } = WebSocketWriter.Text("{\"type\":6}\u001e"u8);

    private static ReadOnlySpan<byte> NotificationStart => "{\"type\":1,\"target\":\"Notification\""u8;

    public override byte[] Resume(string[] topics, long? since) =>
        Call("Resume", since is { } version ? new { since = version, topics } : new { topics });

    public override byte[] Join(string topic) => Call("Join", topic);

    public override byte[] Publish(string topic, string body) => Call("Publish", new { topic, body });

    public override int MessageLength(ReadOnlySpan<byte> input) => input.IndexOf(Separator) + 1;

    public override HubMessageKind Classify(ReadOnlySpan<byte> message)
    {
        if (message.StartsWith(NotificationStart)) return HubMessageKind.Notification;
        if (message.StartsWith("{\"type\":3"u8)) return message.IndexOf("\"error\":"u8) < 0 ? HubMessageKind.Answer : HubMessageKind.FailedAnswer;
        if (message.StartsWith("{\"type\":7"u8)) return HubMessageKind.Close;
        if (message.StartsWith("{\"type\":1,\"target\":\"CaughtUp\""u8)) return HubMessageKind.CaughtUp;
        return message.StartsWith("{\"type\":1,\"target\":\"Gap\""u8) ? HubMessageKind.Gap : HubMessageKind.Other;
    }

    public override long Number(ReadOnlySpan<byte> message, ReadOnlySpan<byte> name)
    {
        var at = message.IndexOf(name);
        var from = at + name.Length + 2;
        return at > 0 && from < message.Length && message[from - 1] == ':' ? Digits(message[from..]) : -1;
    }

    public override long Stamp(ReadOnlySpan<byte> message)
    {
        var at = message.IndexOf("\"body\":\""u8);
        return at < 0 ? 0 : Digits(message[(at + 8)..]);
    }

    private static byte[] Call(string target, object argument) => WebSocketWriter.Text(Encoding.UTF8.GetBytes(
        JsonSerializer.Serialize(new { type = 1, invocationId = "1", target, arguments = new[] { argument } }) + (char)Separator));
}
