using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery;

/// <summary>Delivery as the last applier of the log: each unit into the ring, then to the sessions that follow it.</summary>
internal sealed class LiveDelivery(Dispatcher dispatcher, SessionRegistry sessions, TailPosition position, LogClock clock) : IDelivery
{
    /// <remarks>Sessions have no state of the log besides their cursor: it is as of whatever the ring ends at.</remarks>
    public ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken) => new(new LogHead(view.EpochId, view.Ring.End, view.Oldest));

    public void Begin(LogView view)
    {
        foreach (var session in sessions.All) session.LeaveView(view);
    }

    public ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken)
    {
        // The ring first: a session that goes live meanwhile either sees these in the ring or gets the offer.
        unit.View.Ring.Append(unit.Entries);
        unit.View.ObserveHead(unit.Last);
        dispatcher.Dispatch(new DispatchUnit(unit.View, unit.Entries, clock.Now, unit.CommittedAt));
        position.Dispatched = unit.Last;
        return ValueTask.CompletedTask;
    }

    public void DeliverEphemeral(DeliveryEntry entry) => dispatcher.DispatchEphemeral(entry);
}
