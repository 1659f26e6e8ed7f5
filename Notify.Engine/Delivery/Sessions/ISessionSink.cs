using Notify.Engine.Delivery.Frames;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>The connection behind a session.</summary>
internal interface ISessionSink
{
    /// <summary>How the connection wants its frames.</summary>
    FrameEncoder Encoder { get; }

    /// <summary>Completes when the connection has taken the bytes: at once unless the client is slow. A closed connection takes everything.</summary>
    ValueTask WriteAsync(EncodedFrame frame);

    /// <summary>Whether the client has taken no byte of a write for so long that it counts as gone. Asked once a second.</summary>
    bool IsStuck => false;

    /// <summary>Ends the connection of a client that takes nothing, and so would not take a farewell either. It may come back.</summary>
    void Cut() => CloseForReconnect();

    /// <summary>Closes the connection in the way that lets clients come back.</summary>
    void CloseForReconnect();
}
