using Notify.Engine.Access;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Server.Authentication;

/// <summary>A connection's caller, which a fresh token may replace while the connection lives, and when the connection must end.</summary>
internal sealed class LiveCaller(Caller caller, DeliverySession session)
{
    /// <summary>How long after its expiry a token's connections are closed: as far as clocks may differ, and then spread.</summary>
    private static readonly TimeSpan TokenGrace = TimeSpan.FromSeconds(30);

    private const double SpreadSeconds = 8; // closed by 40 s, the keeper's second included
    private const double KeySpreadSeconds = 1;

    private State _state = new(caller, EndOf(caller));

    public DeliverySession Session => session;

    public Caller Current => Volatile.Read(ref _state).Caller;

    /// <summary>When the connection is closed, unless a fresh token comes; null: never.</summary>
    public DateTimeOffset? EndsAt => Volatile.Read(ref _state).EndsAt;

    /// <summary>A fresh credential of the same user.</summary>
    public void Replace(Caller fresh) => Volatile.Write(ref _state, new State(fresh, EndOf(fresh)));

    private static DateTimeOffset? EndOf(Caller caller) => caller.Credential.ExpiresAt is not { } expires ? null
        : caller.Kind == CallerKind.Key ? expires.AddSeconds(Random.Shared.NextDouble() * KeySpreadSeconds)
        : expires + TokenGrace + TimeSpan.FromSeconds(Random.Shared.NextDouble() * SpreadSeconds);

    private sealed record State(Caller Caller, DateTimeOffset? EndsAt);
}
