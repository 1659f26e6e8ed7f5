using Microsoft.AspNetCore.SignalR;

namespace Notify.Server.Delivery.Frames;

/// <summary>
/// What is written to connections in one go. Encoded at most once per format, by the first connection that needs it,
/// and shared by all: a thousand followers of a topic write the same buffer.
/// </summary>
internal abstract class OutgoingFrame
{
    private EncodedFrame? _json;
    private EncodedFrame? _messagePack;
    private EncodedFrame? _serverSentEvents;

    /// <summary>The notifications in it: what a session's queue is counted by.</summary>
    public abstract int Entries { get; }

    /// <summary>About how many bytes it takes encoded, known before it is.</summary>
    public abstract int EstimatedBytes { get; }

    // Two connections may encode at the same time: the same bytes twice, and one of them wins. Cheaper than a lock.
    public EncodedFrame For(FrameFormat format) => format switch
    {
        FrameFormat.Json => _json ??= EncodedIn(format),
        FrameFormat.MessagePack => _messagePack ??= EncodedIn(format),
        _ => _serverSentEvents ??= EncodedIn(format),
    };

    protected abstract byte[] Encode(FrameEncoder encoder);

    private EncodedFrame EncodedIn(FrameFormat format) => EncodedFrame.Of(Encode(FrameEncoder.For(format)), format);
}

/// <summary>The bytes of a frame in one format, and for hub protocols the message that SignalR writes as it is.</summary>
/// <remarks>
/// One per protocol on purpose: a <see cref="SerializedHubMessage"/> that lacks the protocol of a receiver has no inner
/// message to fall back on, and SignalR closes that connection.
/// </remarks>
internal sealed class EncodedFrame
{
    private EncodedFrame(byte[] bytes, SerializedHubMessage? hubMessage) => (Bytes, HubMessage) = (bytes, hubMessage);

    public byte[] Bytes { get; }
    public SerializedHubMessage? HubMessage { get; }

    public static EncodedFrame Of(byte[] bytes, FrameFormat format) => new(bytes, format switch
    {
        FrameFormat.Json => new SerializedHubMessage([new SerializedMessage(FrameEncoder.JsonProtocol, bytes)]),
        FrameFormat.MessagePack => new SerializedHubMessage([new SerializedMessage(FrameEncoder.MessagePackProtocol, bytes)]),
        _ => null,
    });
}
