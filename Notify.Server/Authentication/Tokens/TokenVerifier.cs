using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;
using Notify.Contracts.Topics;

namespace Notify.Server.Authentication.Tokens;

/// <summary>
/// Verifies tokens with ASP.NET's JWT bearer handler, under a scheme of our own that the host's list of schemes does not have: a
/// single scheme in that list would become the default of a host that names none.
/// </summary>
internal sealed class TokenVerifier(
    IOptionsMonitor<JwtBearerOptions> options, GrantRules grants, IServiceProvider services, TimeProvider time, AuthorityKeys? authority)
    : ITokenVerifier, IDisposable
{
    public const string Scheme = "Notify.Bearer";

    /// <summary>Longest subject: it is the publisher's name in each of its notifications.</summary>
    public const int MaxSubjectLength = 1024;

    private readonly AuthenticationScheme _scheme = new(Scheme, null, typeof(JwtBearerHandler));
    private readonly VerifiedTokens _verified = new(time);

    /// <inheritdoc/>
    public async ValueTask<(VerifiedToken? Token, Rejection? Rejection)> VerifyAsync(ReadOnlyMemory<char> token, LastShown? last)
    {
        if (token.Length > TokenText.MaxLength) return (null, Rejection.Malformed);
        var generation = authority?.Generation ?? 0;
        if (!_verified.TryGet(token, last, generation, out var verified))
        {
            (verified, var rejection) = await ReadAsync(token.ToString());
            if (verified is null) return (null, rejection);
            _verified.Keep(token.Span, generation, verified);
        }

        return TokenTimes.Check(verified, time.GetUtcNow()) is { } untimely ? (null, untimely) : (verified, null);
    }

    public void Dispose() => _verified.Dispose();

    private async Task<(VerifiedToken?, Rejection?)> ReadAsync(string token)
    {
        if (!TokenText.TryRead(token, out var text)) return (null, Rejection.Malformed);
        if (await CheckHeaderAsync(text) is { } rejection) return (null, rejection);

        var failure = await AuthenticateAsync(token);
        if (failure is SecurityTokenInvalidSignatureException && IsUnknown(text.KeyId) && await AskAgainAsync()) failure = await AuthenticateAsync(token);
        return failure is null ? Read(text) : (null, Reject(failure, text));
    }

    private Task<bool> AskAgainAsync() => authority?.AskAgainAsync() ?? Task.FromResult(false);

    // What the library would let pass, or says less clearly.
    private async Task<Rejection?> CheckHeaderAsync(TokenText text)
    {
        if (text.IsCritical) return new Rejection("critical", "The token demands an extension ('crit') that there is not.", Counts: true, text.ShownKeyId);
        if (!TokenTypes.IsAccepted(text.Type)) return new Rejection("type", "The token's 'typ' is neither 'JWT' nor 'at+jwt'.", Counts: true, text.ShownKeyId);
        if (authority is null)
            return TokenAlgorithms.Symmetric.Contains(text.Algorithm) ? null : BadAlgorithm(text);

        if (!TokenAlgorithms.Asymmetric.Contains(text.Algorithm)) return BadAlgorithm(text);
        if (await authority.FindAsync() is null)
            return new Rejection("authority_away", "The authority that issues tokens has not answered this service yet. Try again in a moment.", Counts: false,
                text.ShownKeyId);
        if (text.KeyId is not null && IsUnknown(text.KeyId)) await authority.AskAgainAsync();

        // A key that the authority published for one algorithm is not for another one of its kind.
        return authority.Current!.JsonWebKeySet.Keys.Any(key => key.Kid == text.KeyId && !string.IsNullOrEmpty(key.Alg) && key.Alg != text.Algorithm)
            ? BadAlgorithm(text) : null;
    }

    private bool IsUnknown(string? keyId) => authority?.Current is { } known && (keyId is null || known.SigningKeys.All(key => key.KeyId != keyId));

    private static Rejection BadAlgorithm(TokenText text) =>
        new("algorithm", "The token's algorithm is not one that this service's keys are for.", Counts: true, text.ShownKeyId);

    /// <summary>Null when the signature, the issuer and the audience are good.</summary>
    private async Task<Exception?> AuthenticateAsync(string token)
    {
        // Loggers of its own that print nothing: its lines have the token's claims in them. The authenticator logs every rejection.
        var handler = new JwtBearerHandler(options, NullLoggerFactory.Instance, UrlEncoder.Default);
        var context = new DefaultHttpContext { RequestServices = services };
        context.Request.Headers.Authorization = $"{JwtBearerDefaults.AuthenticationScheme} {token}";
        await handler.InitializeAsync(_scheme, context);
        var result = await handler.AuthenticateAsync();
        return result.Succeeded ? null : (result.Failure as AggregateException)?.InnerExceptions[0] ?? result.Failure ?? new SecurityTokenException();
    }

    private (VerifiedToken?, Rejection?) Read(TokenText text)
    {
        var claims = new Claims(text.Payload);
        var issuer = claims.TryText(Claims.Issuer, out var iss) ? iss : "";
        var hasSubject = text.Payload.TryGetProperty(Claims.Subject, out _);
        if (!claims.TryText(Claims.Subject, out var subject) && hasSubject) return (null, BadClaim("sub", "a text", text));
        if (subject?.Length > MaxSubjectLength) return (null, BadClaim("sub", $"at most {MaxSubjectLength} characters", text));
        if (!claims.TryTime("exp", out var expires) || expires is null) return (null, BadClaim("exp", "there, in seconds since 1970", text));
        if (!claims.TryTime("nbf", out var notBefore)) return (null, BadClaim("nbf", "in seconds since 1970", text));
        if (!claims.TryTime("iat", out var issued)) return (null, BadClaim("iat", "in seconds since 1970", text));

        var user = TopicName.IsValidId(subject, "user", out _) ? subject : null;
        return (new VerifiedToken(subject, user, issuer, issued, notBefore, expires.Value, grants.For(claims, user), grants.AttributesOf(claims)), null);
    }

    private static Rejection BadClaim(string claim, string must, TokenText text) =>
        new("claim", $"The token's '{claim}' must be {must}.", Counts: true, text.ShownKeyId);

    private static Rejection Reject(Exception failure, TokenText text) => failure switch
    {
        SecurityTokenInvalidIssuerException => new Rejection("issuer", "The token is of another issuer.", Counts: true, text.ShownKeyId),
        SecurityTokenInvalidAudienceException => new Rejection("audience", "The token is for another audience.", Counts: true, text.ShownKeyId),
        SecurityTokenInvalidSignatureException =>
            new Rejection("signature", "The token is not signed with a key of this service or its authority.", Counts: true, text.ShownKeyId),
        _ => new Rejection("malformed", "The token cannot be read.", Counts: true, text.ShownKeyId),
    };
}

/// <summary>When a token is good.</summary>
internal static class TokenTimes
{
    /// <summary>How far the issuer's clock may be off.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);

    public static Rejection? Check(VerifiedToken token, DateTimeOffset now)
    {
        if (token.ExpiresAt <= now - Skew) return new Rejection(Rejection.Expired, "The token has expired.", Counts: false);
        if (token.NotBefore > now + Skew) return new Rejection("future", "The token is not good yet ('nbf').", Counts: false);
        return token.IssuedAt > now + Skew ? new Rejection("future", "The token was issued in the future ('iat').", Counts: false) : null;
    }
}

/// <summary>Which kinds of JWT are taken (RFC 9068 §2.1): one that says nothing is an ordinary one.</summary>
internal static class TokenTypes
{
    private const string MediaPrefix = "application/";

    public static bool IsAccepted(string? type)
    {
        if (string.IsNullOrEmpty(type)) return type is null;
        if (type.StartsWith(MediaPrefix, StringComparison.OrdinalIgnoreCase)) type = type[MediaPrefix.Length..];
        return type.Equals("JWT", StringComparison.OrdinalIgnoreCase) || type.Equals("at+jwt", StringComparison.OrdinalIgnoreCase);
    }
}

/// <summary>Algorithms by the kind of key that they are for: a public key must never be taken for a secret.</summary>
internal static class TokenAlgorithms
{
    public static readonly IReadOnlyList<string> Symmetric = [SecurityAlgorithms.HmacSha256, SecurityAlgorithms.HmacSha384, SecurityAlgorithms.HmacSha512];

    public static readonly IReadOnlyList<string> Asymmetric =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512, "EdDSA",
    ];
}
