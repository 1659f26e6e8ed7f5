using System.Text.Json.Serialization;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Engine.Presence;

/// <summary>A connection as presence shows it.</summary>
/// <param name="Connection">Its id on its node.</param>
/// <param name="User">Its user; null for one without.</param>
/// <param name="Device">Its device; null when it named none.</param>
/// <param name="ConnectedAt">Since when it is there.</param>
/// <param name="IsGone">It has broken off and may be back: it counts until its grace ends.</param>
internal sealed record LocalConnection(string Connection, string? User, string? Device, DateTimeOffset ConnectedAt, bool IsGone = false)
{
    /// <summary>The person that it counts as: its user, else itself.</summary>
    [JsonIgnore]
    public Person Person => new(User, User is null ? Connection : null);

    /// <summary>Its place in lists.</summary>
    [JsonIgnore]
    public string Place => $"{User}\n{Device}\n{Connection}";

    public static LocalConnection Of(DeliverySession session) => new(session.ConnectionId, session.User, session.Device, session.ConnectedAt);
}

/// <summary>What presence counts: a user, however many connections it has, or a connection without a user.</summary>
internal readonly record struct Person(string? User, string? Connection);
