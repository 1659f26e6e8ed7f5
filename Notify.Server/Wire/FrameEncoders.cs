using Microsoft.AspNetCore.SignalR;
using Notify.Engine.Delivery.Frames;

namespace Notify.Server.Wire;

/// <summary>The encoder of each format.</summary>
internal static class FrameEncoders
{
    public const string JsonProtocol = "json";
    public const string MessagePackProtocol = "messagepack";

    public static FrameEncoder Json { get; } = new JsonFrameEncoder();
    public static FrameEncoder MessagePack { get; } = new MessagePackFrameEncoder();
    public static FrameEncoder ServerSentEvents { get; } = new ServerSentEventsEncoder();

    /// <summary>The encoder for connections of this hub protocol.</summary>
    public static FrameEncoder Of(string protocol) => protocol == MessagePackProtocol ? MessagePack : Json;

    /// <summary>The message that SignalR writes as it is.</summary>
    /// <remarks>
    /// One per protocol on purpose: a <see cref="SerializedHubMessage"/> that lacks the protocol of a receiver has no inner
    /// message to fall back on, and SignalR closes that connection.
    /// </remarks>
    internal static SerializedHubMessage HubMessage(string protocol, ReadOnlyMemory<byte> bytes) => new([new SerializedMessage(protocol, bytes)]);
}
