using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Engine.Directory;

/// <summary>
/// The sessions of this node by their user's number, and what the log's entries change for them. Called by the tail, in the
/// log's order, and by sessions that come, go and read.
/// </summary>
/// <remarks>
/// A session is registered before it reads its user's intervals. What the tail applies meanwhile is kept for it and added
/// above the reading's head, so that no change falls between the two.
/// </remarks>
internal sealed class ConnectedUsers
{
    private readonly Lock _gate = new();
    private readonly Dictionary<long, List<DeliverySession>> _byUser = [];
    private readonly Dictionary<DeliverySession, long> _userOf = [];
    private readonly Dictionary<DeliverySession, List<AppliedChange>> _reading = [];

    /// <summary>From here on what is applied is kept for the session until <see cref="TryInstall"/>.</summary>
    public void BeginReading(DeliverySession session)
    {
        lock (_gate) _reading[session] = [];
    }

    /// <summary>Hands a session its reading, with what was applied meanwhile.</summary>
    /// <param name="session">One that is reading.</param>
    /// <param name="user">The user's number.</param>
    /// <param name="reading">What was read.</param>
    /// <param name="install">Gives it to the session; false when it no longer wants it.</param>
    /// <returns>False when the session has to read again: an entry above the reading names no users.</returns>
    public bool TryInstall(DeliverySession session, long user, IntervalReading reading, Func<bool> install)
    {
        lock (_gate)
        {
            if (!_reading.TryGetValue(session, out var applied)) return true; // it has left
            var missed = applied.FindAll(change => change.Epoch == reading.Epoch && change.Version > reading.Head);
            if (missed.Exists(change => change.User is null && change.Begins))
            {
                applied.Clear();
                return false;
            }

            foreach (var change in missed)
            {
                if (change.User is null || change.User == user) change.To(reading);
            }

            _reading.Remove(session);
            session.UserNumber = user;
            if (!install()) return true;
            if (_userOf.TryAdd(session, user))
            {
                if (!_byUser.TryGetValue(user, out var sessions)) _byUser[user] = sessions = new(1);
                sessions.Add(session);
            }

            return true;
        }
    }

    /// <summary>The session's connection has ended.</summary>
    public void Leave(DeliverySession session)
    {
        lock (_gate)
        {
            _reading.Remove(session);
            if (!_userOf.Remove(session, out var user) || !_byUser.TryGetValue(user, out var sessions)) return;
            sessions.Remove(session);
            if (sessions.Count == 0) _byUser.Remove(user);
        }
    }

    /// <summary>Whether a session of this user is here, or one that might be: it has not read its number yet.</summary>
    public bool MayHave(IEnumerable<long> users)
    {
        lock (_gate) return _reading.Count > 0 || users.Any(_byUser.ContainsKey);
    }

    /// <summary>All sessions of users on this node, for a tail that begins anew.</summary>
    public IReadOnlyList<(DeliverySession Session, long User)> All
    {
        get
        {
            lock (_gate) return [.. _userOf.Select(pair => (pair.Key, pair.Value))];
        }
    }

    /// <summary>The users with a session on this node, by number.</summary>
    public IReadOnlyList<long> Users
    {
        get
        {
            lock (_gate) return [.. _byUser.Keys];
        }
    }

    /// <summary>The sessions of a user.</summary>
    public IReadOnlyList<DeliverySession> Of(long user)
    {
        lock (_gate) return _byUser.TryGetValue(user, out var sessions) ? [.. sessions] : [];
    }

    /// <summary>Applies a change at its version: to one user's sessions, or to all that have such an interest.</summary>
    /// <returns>The users of sessions for which it changed something.</returns>
    public IReadOnlyCollection<long> Apply(AppliedChange change)
    {
        lock (_gate)
        {
            foreach (var applied in _reading.Values) applied.Add(change);
            var changed = new HashSet<long>();
            if (change.User is { } user)
            {
                foreach (var session in _byUser.GetValueOrDefault(user) ?? [])
                {
                    if (change.To(session)) changed.Add(user);
                }
            }
            else if (!change.Begins)
            {
                foreach (var (session, number) in _userOf)
                {
                    if (change.To(session)) changed.Add(number);
                }
            }

            return changed;
        }
    }

    /// <summary>Applies what was read of a user because the entry does not say it. Sessions that are reading were told to read again.</summary>
    public void Apply(Guid epoch, long user, UserInterest interest)
    {
        lock (_gate)
        {
            foreach (var session in _byUser.GetValueOrDefault(user) ?? []) session.Begin(epoch, interest);
        }
    }
}

/// <summary>What one entry of the log begins or ends for a user.</summary>
/// <param name="Epoch">The epoch of the entry.</param>
/// <param name="Version">Its version.</param>
/// <param name="User">The user; null: all users that have it, or, where it begins, users that the entry does not name.</param>
/// <param name="Kind">A membership or a durable subscription.</param>
/// <param name="Filter">The group's topic, or the durable filter.</param>
/// <param name="Begins">It holds above the version; otherwise it holds up to it.</param>
internal readonly record struct AppliedChange(Guid Epoch, long Version, long? User, InterestKind Kind, TopicFilter Filter, bool Begins)
{
    /// <returns>Whether the session has another interest now.</returns>
    public bool To(DeliverySession session) =>
        Begins ? session.Begin(Epoch, new UserInterest(Kind, Filter, Version)) : session.End(Epoch, Kind, Filter, Version);

    public void To(IntervalReading reading)
    {
        if (Begins) reading.Begin(new UserInterest(Kind, Filter, Version));
        else reading.End(Kind, Filter, Version);
    }
}
