namespace Notify.Benchmarks.Load;

/// <summary>The server that the load is sent to.</summary>
internal enum PeerKind
{
    Notify,

    /// <summary>A plain SignalR server with groups and no storage.</summary>
    Stock,

    /// <summary>Kestrel WebSockets that are written a ready frame.</summary>
    Raw,
}
