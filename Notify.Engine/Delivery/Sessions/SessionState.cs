namespace Notify.Engine.Delivery.Sessions;

internal enum SessionState : byte
{
    /// <summary>Connected, no Resume yet.</summary>
    Idle,

    /// <summary>It has its place and its filters, and sends nothing: the answer to Resume goes first.</summary>
    Resumed,
    CatchingUp,
    Live,
    Closed,
}
