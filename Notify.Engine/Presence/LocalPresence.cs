using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Engine.Presence;

/// <summary>The connections of this node by what they follow, found by the router's index when asked for, and kept nowhere.</summary>
internal sealed class LocalPresence
{
    private readonly Router _router;
    private readonly SessionRegistry _sessions;
    private readonly GoneConnections _gone;

    public LocalPresence(Router router, SessionRegistry sessions, TimeProvider time)
    {
        (_router, _sessions, _gone) = (router, sessions, new GoneConnections(time));
        sessions.Removed += _gone.Add;
    }

    /// <summary>Those that follow the topic, and those that did when they broke off a moment ago.</summary>
    public List<LocalConnection> Following(string topic)
    {
        var sessions = new HashSet<DeliverySession>();
        _router.Match(topic, [], sessions, static (holders, found) =>
        {
            foreach (var holder in holders) found.Add((DeliverySession)holder.Session);
        });
        var connections = new List<LocalConnection>(sessions.Count);

        // Outside the index: a session is asked under its own gate, and takes the index's under it.
        foreach (var session in sessions)
        {
            if (session.Follows(topic)) connections.Add(LocalConnection.Of(session));
        }

        _gone.Following(topic, connections);
        return connections;
    }

    /// <summary>The connections of a user, whatever they follow.</summary>
    public List<LocalConnection> OfUser(string user)
    {
        var connections = new List<LocalConnection>();
        if (_sessions.CountOf(user) > 0) connections.AddRange(_sessions.All.Where(session => session.User == user).Select(LocalConnection.Of));
        _gone.OfUser(user, connections);
        return connections;
    }

    /// <summary>The living connections of a user, and what each of them brings to a version of a topic.</summary>
    public List<ExplainedConnection> Explain(string user, long version, string topic) => _sessions.CountOf(user) == 0
        ? []
        : [.. _sessions.All.Where(session => session.User == user)
            .Select(session => new ExplainedConnection(LocalConnection.Of(session), session.Cursor, session.Explain(version, topic)))];

    /// <summary>Ends the grace of those whose time is over, and says what they followed.</summary>
    public void Expire(ICollection<Contracts.Topics.TopicFilter> followed) => _gone.Expire(followed);
}
