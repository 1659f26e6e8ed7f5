using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Directory;

/// <summary>
/// Reads what users follow by interval. Sessions that ask while a read is under way are read together by the next one:
/// ten thousand that come back at once cost some dozen queries.
/// </summary>
internal sealed class PeopleReader(INotificationLog log)
{
    /// <summary>Users in one query: it answers within some ten milliseconds.</summary>
    private const int MostUsers = 500;

    /// <summary>Queries at a time, so that a herd leaves connections to the others.</summary>
    private const int MostQueries = 2;

    private readonly Lock _gate = new();
    private readonly Queue<Waiting> _waiting = [];
    private int _running;

    /// <remarks>It cannot be cancelled: a connection's token would keep the registration, for as long as the connection is there.</remarks>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public Task<PeopleOf> ReadAsync(SessionUser user)
    {
        var waiting = new Waiting(user);
        lock (_gate)
        {
            _waiting.Enqueue(waiting);
            if (_running < MostQueries)
            {
                _running++;
                _ = Task.Run(RunAsync, CancellationToken.None); // outside the gate
            }
        }

        return waiting.Task;
    }

    /// <summary>Reads these users at once, however many.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public async Task<IReadOnlyList<PeopleOf>> ReadAllAsync(IReadOnlyList<SessionUser> users, CancellationToken cancellationToken)
    {
        var all = new List<PeopleOf>(users.Count);
        foreach (var chunk in users.Chunk(MostUsers))
        {
            var reading = await log.Directory.ReadPeopleAsync(chunk, cancellationToken);
            all.AddRange(reading.Users.Select(user => new PeopleOf(reading.Head, user)));
        }

        return all;
    }

    private async Task RunAsync()
    {
        while (true)
        {
            List<Waiting> batch = [];
            lock (_gate)
            {
                while (batch.Count < MostUsers && _waiting.TryDequeue(out var next)) batch.Add(next);
                if (batch.Count == 0)
                {
                    _running--;
                    return;
                }
            }

            try
            {
                var all = await ReadAllAsync([.. batch.Select(waiting => waiting.User)], CancellationToken.None);
                for (var i = 0; i < batch.Count; i++) batch[i].TrySetResult(all[i]);
            }
            catch (Exception exception)
            {
                foreach (var waiting in batch) waiting.TrySetException(exception);
            }
        }
    }

    private sealed class Waiting(SessionUser user) : TaskCompletionSource<PeopleOf>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public SessionUser User => user;
    }
}

/// <summary>One user's people data, and the head of the snapshot that it is of.</summary>
internal sealed record PeopleOf(LogHead Head, Notify.Storage.Directory.UserReading User)
{
    /// <summary>As a session takes it.</summary>
    public IntervalReading ToReading()
    {
        var interests = new List<UserInterest>(User.Groups.Count + User.Subscriptions.Count);
        foreach (var group in User.Groups)
            interests.Add(new UserInterest(InterestKind.Membership, TopicFilter.Exact(TopicName.OfGroup(group.Name)), group.Held.Since, group.Held.Until));
        foreach (var subscription in User.Subscriptions)
        {
            if (TopicFilter.TryParse(subscription.Filter, out var filter, out _))
                interests.Add(new UserInterest(InterestKind.Durable, filter, subscription.Held.Since, subscription.Held.Until));
        }

        return new IntervalReading(Head.Epoch, Head.Head, interests);
    }
}
