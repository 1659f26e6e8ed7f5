using System.Text.Json;
using Notify.Engine.Access;

namespace Notify.Server.Authentication.Tokens;

/// <summary>What a token says, once its signature was found good.</summary>
/// <param name="Subject">Its <c>sub</c>; null when it has none.</param>
/// <param name="User">The subject as a user id; null when it is none.</param>
/// <param name="Issuer">Its <c>iss</c>; empty when it has none.</param>
/// <param name="IssuedAt">Its <c>iat</c>.</param>
/// <param name="NotBefore">Its <c>nbf</c>.</param>
/// <param name="ExpiresAt">Its <c>exp</c>.</param>
/// <param name="Grants">What it and the configuration grant.</param>
/// <param name="Attributes">Those of its claims that become attributes of the user.</param>
internal sealed record VerifiedToken(
    string? Subject, string? User, string Issuer, DateTimeOffset? IssuedAt, DateTimeOffset? NotBefore, DateTimeOffset ExpiresAt, Grants Grants,
    JsonElement? Attributes = null)
{
    /// <summary>The caller that the token makes, but for the device.</summary>
    public Caller Caller { get; } = new()
    {
        Kind = CallerKind.Token,
        User = User,
        Name = Subject,
        Publisher = PublisherNames.OfToken(Issuer, Subject),
        Grants = Grants,
        Attributes = Attributes,
        Credential = new Credential(null, IssuedAt, ExpiresAt),
    };
}

/// <summary>Verifies tokens.</summary>
internal interface ITokenVerifier
{
    /// <summary>The token, or why it is rejected. Whether it was revoked is looked at elsewhere.</summary>
    ValueTask<(VerifiedToken? Token, Rejection? Rejection)> VerifyAsync(ReadOnlyMemory<char> token, LastShown? last);
}

/// <summary>Rejects every token: the service has no key to verify one with. A service that has none does not load the libraries that do.</summary>
internal sealed class NoTokens : ITokenVerifier
{
    private static readonly Rejection Unconfigured =
        new("unconfigured", "This service takes no tokens: it has no signing key and no authority.", Counts: true);

    /// <inheritdoc/>
    public ValueTask<(VerifiedToken? Token, Rejection? Rejection)> VerifyAsync(ReadOnlyMemory<char> token, LastShown? last) => new((null, Unconfigured));
}

/// <summary>Why a credential is rejected.</summary>
/// <param name="Reason">A word for logs and metrics, of a fixed set.</param>
/// <param name="Detail">A sentence for the client; nothing of the credential is in it.</param>
/// <param name="Counts">Whether it counts as a guess: one that was good once does not, nor one that could not be checked.</param>
/// <param name="Shown">What tells it from others in a log: a key id, made safe to print.</param>
internal sealed record Rejection(string Reason, string Detail, bool Counts, string Shown = "none")
{
    public const string Expired = "expired";
    public const string Revoked = "revoked";

    public static readonly Rejection Malformed = new("malformed", "The credential is no token and no API key of this service.", Counts: true);
}
