using System.Collections.Concurrent;

namespace Notify.Server.Delivery.Sessions;

/// <summary>The sessions of this node's connections, by connection id.</summary>
internal sealed class SessionRegistry
{
    private readonly ConcurrentDictionary<string, DeliverySession> _sessions = new(StringComparer.Ordinal);

    public IEnumerable<DeliverySession> All => _sessions.Select(s => s.Value);

    public int Count => _sessions.Count;

    public void Add(string connectionId, DeliverySession session) => _sessions[connectionId] = session;

    public DeliverySession? Find(string connectionId) => _sessions.GetValueOrDefault(connectionId);

    public void Remove(string connectionId)
    {
        if (_sessions.TryRemove(connectionId, out var session)) session.Close();
    }

    public int CountIn(SessionState state) => _sessions.Count(s => s.Value.State == state);
}
