using System.Buffers;
using Notify.Storage.Log;

namespace Notify.Server.Delivery.Frames;

/// <summary>Writes what a connection is sent in one format.</summary>
internal abstract class FrameEncoder
{
    public const string JsonProtocol = "json";
    public const string MessagePackProtocol = "messagepack";

    private static readonly FrameEncoder Json = new JsonFrameEncoder();
    private static readonly FrameEncoder MessagePack = new MessagePackFrameEncoder();
    private static readonly FrameEncoder ServerSentEvents = new ServerSentEventsEncoder();

    public static FrameEncoder For(FrameFormat format) => format switch
    {
        FrameFormat.Json => Json,
        FrameFormat.MessagePack => MessagePack,
        _ => ServerSentEvents,
    };

    public abstract FrameFormat Format { get; }

    /// <summary>Appends one notification as a whole message of the format.</summary>
    public abstract void WriteNotification(IBufferWriter<byte> output, LogEntry entry);

    /// <summary>One of <see cref="Contracts.Hub.ClientMethods"/> but Notification, with its record.</summary>
    public abstract byte[] Control(string method, object payload);
}
