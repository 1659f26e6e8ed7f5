using Notify.Engine.Publishing;

namespace Notify.Engine.Access;

/// <summary>Who makes a call, and from which device.</summary>
/// <param name="User">The user id; null for one without a name.</param>
/// <param name="Device">The device's name; null when it gave none.</param>
/// <param name="Publisher">What identifies the publisher of idempotency keys; never null, so keys of different callers never meet.</param>
public sealed record Caller(string? User, string? Device, string Publisher);
