using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Directory;

/// <summary>
/// Reads what users follow by interval. Sessions that ask while a read is under way are read together by the next one, and after
/// many came together it rests, so that still more do: ten thousand that come back at once cost some dozen queries.
/// </summary>
internal sealed class PeopleReader(INotificationLog log, TimeProvider time)
{
    /// <summary>Users in one query: it answers within some ten milliseconds.</summary>
    private const int MostUsers = 500;

    /// <summary>
    /// It rests so long for every user but the first of the query before. Fewer than two hundred a second are read as they come; more, and
    /// the batches grow.
    /// </summary>
    private static readonly TimeSpan RestPerUser = TimeSpan.FromMilliseconds(5);

    /// <summary>A client that comes back among thousands waits no longer than that for others.</summary>
    private static readonly TimeSpan MostRest = TimeSpan.FromMilliseconds(300);

    private readonly Lock _gate = new();
    private readonly Queue<Waiting> _waiting = [];
    private TaskCompletionSource? _full; // while it rests: as many wait as one query takes
    private bool _isRunning;

    /// <remarks>It cannot be cancelled: a connection's token would keep the registration, for as long as the connection is there.</remarks>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public Task<PeopleOf> ReadAsync(SessionUser user)
    {
        var waiting = new Waiting(user);
        lock (_gate)
        {
            _waiting.Enqueue(waiting);
            if (_waiting.Count >= MostUsers) _full?.TrySetResult();
            if (!_isRunning)
            {
                _isRunning = true;
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
        while (Take() is { Count: > 0 } batch)
        {
            await ReadAsync(batch);
            if (batch.Count > 1) await RestAsync((batch.Count - 1) * RestPerUser);
        }
    }

    /// <summary>Those that are read next; the loop ends when there are none.</summary>
    private List<Waiting> Take()
    {
        List<Waiting> batch = [];
        lock (_gate)
        {
            while (batch.Count < MostUsers && _waiting.TryDequeue(out var next)) batch.Add(next);
            _isRunning = batch.Count > 0;
        }

        return batch;
    }

    private async Task ReadAsync(List<Waiting> batch)
    {
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

    private async Task RestAsync(TimeSpan rest)
    {
        Task full;
        lock (_gate)
        {
            if (_waiting.Count >= MostUsers) return;
            _full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            full = _full.Task;
        }

        await full.WaitAsync(rest < MostRest ? rest : MostRest, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate) _full = null;
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
