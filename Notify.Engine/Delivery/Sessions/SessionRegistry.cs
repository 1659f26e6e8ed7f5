using System.Collections.Concurrent;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>The sessions of this node's connections, by connection id.</summary>
internal sealed class SessionRegistry
{
    private readonly ConcurrentDictionary<string, (DeliverySession Session, string? User)> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _byUser = new(StringComparer.Ordinal);

    public IEnumerable<DeliverySession> All => _sessions.Select(s => s.Value.Session);

    public int Count => _sessions.Count;

    /// <summary>Raised after a connection's session was added.</summary>
    public event Action<DeliverySession>? Added;

    /// <summary>Raised after a connection's session was closed.</summary>
    public event Action<DeliverySession>? Removed;

    /// <param name="connectionId">Names it until <see cref="Remove"/>.</param>
    /// <param name="session">The connection's.</param>
    /// <param name="user">Whose connection it is; null for one without a name.</param>
    public void Add(string connectionId, DeliverySession session, string? user)
    {
        _sessions[connectionId] = (session, user);
        if (user is not null) _byUser.AddOrUpdate(user, 1, (_, count) => count + 1);
        Added?.Invoke(session);
    }

    /// <summary>Connections of a user on this node.</summary>
    public int CountOf(string user) => _byUser.GetValueOrDefault(user);

    public DeliverySession? Find(string connectionId) => _sessions.GetValueOrDefault(connectionId).Session;

    public void Remove(string connectionId)
    {
        if (!_sessions.TryRemove(connectionId, out var removed)) return;
        removed.Session.Close();
        Removed?.Invoke(removed.Session);
        if (removed.User is null) return;
        var left = _byUser.AddOrUpdate(removed.User, 0, (_, count) => count - 1);
        if (left == 0) _byUser.TryRemove(KeyValuePair.Create(removed.User, 0)); // only if no session was added meanwhile
    }

    public int CountIn(SessionState state) => _sessions.Count(s => s.Value.Session.State == state);
}
