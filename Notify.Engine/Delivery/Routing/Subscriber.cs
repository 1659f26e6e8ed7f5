namespace Notify.Engine.Delivery.Routing;

/// <summary>What holds filters in the index: a session. Routing knows nothing else of it, and the dispatcher casts it back.</summary>
internal abstract class Subscriber
{
    /// <summary>Takes interests that have ended out of the index.</summary>
    /// <param name="dispatched">Every live session was offered everything up to here.</param>
    /// <returns>False when one is left: it is to be called again.</returns>
    public abstract bool SweepEnded(long dispatched);
}
