using System.Text.Json;

namespace Notify.Engine.Access;

/// <summary>The caller of a request or connection: its user, its device and its grants. Made once for a connection or a request.</summary>
internal sealed record Caller
{
    /// <summary>The publisher of every caller that showed nothing.</summary>
    public const string AnonymousPublisher = "anonymous";

    /// <summary>How the caller came to be known.</summary>
    public required CallerKind Kind { get; init; }

    /// <summary>The user id; null for a caller that is no user.</summary>
    public string? User { get; init; }

    /// <summary>The device's name; null when it gave none.</summary>
    public string? Device { get; init; }

    /// <summary>The name of the publisher that readers see: a token's <c>sub</c>, a key's name; null for anonymous callers.</summary>
    public string? Name { get; init; }

    /// <summary>What identifies the publisher of idempotency keys; never null, so keys of different callers never meet.</summary>
    public string Publisher { get; init; } = AnonymousPublisher;

    public Grants Grants { get; init; } = Grants.None;

    /// <summary>Claims of the credential that become the user's attributes when it connects.</summary>
    public JsonElement? Attributes { get; init; }

    /// <summary>What the caller showed: how long it is good, and what would revoke it.</summary>
    public Credential Credential { get; init; } = Credential.None;
}

/// <summary>How a caller came to be known.</summary>
internal enum CallerKind
{
    /// <summary>It showed no credential, where others do: it has the anonymous grants, by default none.</summary>
    Anonymous,

    /// <summary>It showed no credential, and <c>AllowAnonymous</c> is the only way in: every topic, no People, no administration.</summary>
    Everybody,

    /// <summary>Open Development: everything is allowed, the query names the user.</summary>
    Development,

    /// <summary>A token (JWT).</summary>
    Token,

    /// <summary>An API key.</summary>
    Key,

    /// <summary>The principal that the hosting app has authenticated.</summary>
    Host,
}

/// <summary>A credential, as far as its end and its revocation are concerned. Not the credential itself: that is kept nowhere.</summary>
/// <param name="KeyId">The API key's id; null for others.</param>
/// <param name="IssuedAt">When it was issued; null when it does not say.</param>
/// <param name="ExpiresAt">When it ends; null: never.</param>
internal sealed record Credential(string? KeyId, DateTimeOffset? IssuedAt, DateTimeOffset? ExpiresAt)
{
    public static readonly Credential None = new(null, null, null);
}
