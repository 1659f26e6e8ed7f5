namespace Notify.Engine.Delivery.Frames;

/// <summary>How a connection wants its frames. Also the index of the encoded form in an <see cref="OutgoingFrame"/>.</summary>
internal enum FrameFormat
{
    /// <summary>SignalR's JSON hub protocol: text, each message ended by 0x1E.</summary>
    Json = 0,

    /// <summary>SignalR's MessagePack hub protocol: each message behind its length.</summary>
    MessagePack = 1,

    /// <summary>Server-Sent Events (HTML Living Standard §9.2).</summary>
    ServerSentEvents = 2,
}
