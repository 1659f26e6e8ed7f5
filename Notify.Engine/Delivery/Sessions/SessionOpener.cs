namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// Gives a connection its session and registers it, until <see cref="SessionRegistry.Remove"/>: the one door for every
/// kind of connection, and where a test puts something between a session and its sink.
/// </summary>
/// <param name="connectionId">Names it.</param>
/// <param name="sink">Where its frames go.</param>
/// <param name="user">Whose connection it is; null for one without a name.</param>
/// <param name="device">Its device; null when it named none.</param>
internal delegate DeliverySession SessionOpener(string connectionId, ISessionSink sink, string? user, string? device = null);
