using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Storage.Directory;

namespace Notify.Engine.Directory;

/// <summary>Reads for sessions what their users follow by interval, and hands it over without losing what changes meanwhile.</summary>
internal sealed class PeopleReadings(ConnectedUsers connected, PeopleReader reader, TailPosition tail, PeopleMetrics metrics, TimeProvider time) : IUserReadings
{
    /// <summary>How often a session looks whether this node's tail has come to the epoch that it has read.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

    public async Task<UserStart> ReadAsync(DeliverySession session, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        connected.BeginReading(session);
        while (true)
        {
            var people = await reader.ReadAsync(new SessionUser(session.User!, session.Device));
            if (await ViewOfAsync(people, cancellationToken) is { } view)
            {
                metrics.Read(since);
                return new UserStart(view, people.User.Number, people.ToReading(), people.User.Acknowledged);
            }
        }
    }

    public bool TryInstall(DeliverySession session, UserStart start, Func<bool> install) => connected.TryInstall(session, start.User, start.Reading, install);

    public async Task ReadAgainAsync(DeliverySession session, CancellationToken cancellationToken)
    {
        UserStart start;
        do start = await ReadAsync(session, cancellationToken);
        while (!connected.TryInstall(session, start.User, start.Reading, () => Prepare(session, start.Reading)));
    }

    private static bool Prepare(DeliverySession session, IntervalReading reading)
    {
        session.Prepare(reading);
        return true;
    }

    /// <summary>This node's view of the log that the reading is of; null when it has to be read again.</summary>
    private async Task<LogView?> ViewOfAsync(PeopleOf people, CancellationToken cancellationToken)
    {
        if (tail.View is { } view && view.EpochId == people.Head.Epoch) return people.Head.Head >= view.Start ? view : null;
        tail.Suspect();
        await Task.Delay(LookAgain, time, cancellationToken);
        return null;
    }
}
