namespace Notify.Client;

/// <summary>What a <see cref="NotifyClient"/> is doing.</summary>
public enum NotifyClientState
{
    /// <summary>Not started, or stopped.</summary>
    Stopped,

    /// <summary>On its way to the service, or waiting for the next attempt.</summary>
    Connecting,

    /// <summary>Connected; what was missed is coming.</summary>
    CatchingUp,

    /// <summary>Connected, with everything so far.</summary>
    Live,

    /// <summary>Without a connection until the reader has caught up with what is buffered.</summary>
    ReaderBehind,
}
