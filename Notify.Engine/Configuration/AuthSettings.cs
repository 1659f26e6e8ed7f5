namespace Notify.Engine.Configuration;

/// <summary>Credentials and what they grant, below <c>Notify:Auth:</c>.</summary>
public sealed class AuthSettings
{
    /// <summary>The secret that tokens may be signed with (HS256, HS384, HS512), and that signs: UTF-8, at least 32 bytes.</summary>
    public string? SigningKey { get; set; }

    /// <summary>More of them, so that one can take over from another; without <see cref="SigningKey"/> the first one signs.</summary>
    public IList<string> SigningKeys { get; } = [];

    /// <summary>The OIDC authority whose keys (JWKS) tokens are signed with; https outside loopback.</summary>
    public string? Authority { get; set; }

    /// <summary>The only <c>iss</c> that is accepted. Beside an authority: instead of the one that it names.</summary>
    public string? Issuer { get; set; }

    /// <summary>The <c>aud</c> that tokens must have; demanded beside an authority.</summary>
    public string? Audience { get; set; }

    /// <summary>Without a key or authority, outside Development: every caller may use every topic, anonymously.</summary>
    public bool AllowAnonymous { get; set; }

    /// <summary>Filters that callers without a credential may follow, beside a key or an authority.</summary>
    public IList<string> AnonymousSubscribe { get; } = [];

    /// <summary>Filters of topics that callers without a credential may publish to, beside a key or an authority.</summary>
    public IList<string> AnonymousPublish { get; } = [];

    /// <summary>What claims grant, for providers whose tokens cannot be given claims of this service.</summary>
    public IList<GrantSettings> Grants { get; } = [];

    /// <summary>The same by their numbers in the settings.</summary>
    internal SortedDictionary<int, GrantSettings> GrantsByNumber { get; } = [];

    /// <summary>Claims that become the user's attributes on connect.</summary>
    public IList<string> AttributeClaims { get; } = [];

    /// <summary>Inside a host app: whether the principal that the app has authenticated can be the caller.</summary>
    public bool HostPrincipal { get; set; } = true;

    /// <summary>Whether Development without any credential configured is open. On in the service's own process, off inside a host app.</summary>
    public bool OpenInDevelopment { get; set; }

    /// <summary>Whether the service is inside a host app, which it never stops.</summary>
    internal bool Embedded { get; set; } = true;

    /// <summary>All keys, the one that signs first.</summary>
    internal IReadOnlyList<string> AllSigningKeys => SigningKey is null ? [.. SigningKeys] : [SigningKey, .. SigningKeys];

    /// <summary>Whether there is a key or an authority to verify tokens with.</summary>
    internal bool TakesTokens => AllSigningKeys.Count > 0 || Authority is not null;
}

/// <summary>What a claim grants.</summary>
public sealed class GrantSettings
{
    /// <summary>The claim, or the path to it, such as <c>realm_access.roles</c>; null: every caller with a token.</summary>
    public string? Claim { get; set; }

    /// <summary>The value that the claim is or has among its values.</summary>
    public string? Value { get; set; }

    /// <summary>Filters that may be followed; <c>{user}</c> stands for the user id.</summary>
    public IList<string> Subscribe { get; } = [];

    /// <summary>Filters of topics that may be published to; <c>{user}</c> stands for the user id.</summary>
    public IList<string> Publish { get; } = [];

    /// <summary>Groups that are followed for as long as the token is used.</summary>
    public IList<string> Groups { get; } = [];

    /// <summary>Groups that the user may join and leave; <c>+</c> for any.</summary>
    public IList<string> Join { get; } = [];

    /// <summary>Everything, and administration.</summary>
    public bool Admin { get; set; }
}
