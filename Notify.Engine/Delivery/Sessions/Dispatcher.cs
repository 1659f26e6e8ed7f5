using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>Offers what the tail hands on to the sessions that follow it. One caller at a time: the tail.</summary>
internal sealed class Dispatcher(Router router, SessionScheduler scheduler)
{
    private readonly List<int> _scratch = [];
    private readonly List<DeliverySession> _touched = [];

    public void Dispatch(DispatchUnit unit)
    {
        for (var topic = 0; topic < unit.Topics.Length; topic++)
            router.Match(unit.Topics[topic], _scratch, (this, unit, topic), static (holders, state) => state.Item1.Note(holders, state.unit, state.topic));

        foreach (var session in _touched)
        {
            if (session.Offer(unit)) scheduler.Ready(session, unit.CommittedAt);
            session.Notes = default;
        }

        _touched.Clear();
    }

    public void DispatchEphemeral(DeliveryEntry entry)
    {
        var frame = new NotificationFrame([entry]);
        router.Match(entry.Topic, _scratch, _touched, static (holders, touched) =>
        {
            foreach (var holder in holders) touched.Add((DeliverySession)holder.Session);
        });

        // Two filters of a session may match: once per connection all the same.
        foreach (var session in _touched.Distinct())
        {
            if (session.OfferEphemeral(frame, entry)) scheduler.Ready(session);
        }

        _touched.Clear();
    }

    private void Note(Holders holders, DispatchUnit unit, int topic)
    {
        foreach (var holder in holders)
        {
            var session = (DeliverySession)holder.Session;
            ref var notes = ref session.Notes;
            if (!ReferenceEquals(notes.Unit, unit))
            {
                notes = new UnitNotes { Unit = unit, Share = unit.Nothing, Topic = -1, Stamp = holder.Stamp };
                _touched.Add(session);
            }

            if (holder.ChangesThrough >= unit.First) notes.Individually = true;
            if (notes.Topic == topic) continue;
            notes.Topic = topic;
            notes.Share = notes.Share!.With(topic);
        }
    }
}
