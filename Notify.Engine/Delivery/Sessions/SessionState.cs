namespace Notify.Engine.Delivery.Sessions;

internal enum SessionState : byte
{
    /// <summary>Connected, no Resume yet.</summary>
    Idle,
    CatchingUp,
    Live,
    Closed,
}
