namespace Notify.Engine.Delivery.Routing;

/// <summary>What holds filters in the index: a session. Routing knows nothing else of it, and the dispatcher of sessions casts it back.</summary>
internal abstract class Subscriber;
