using Notify.Engine.Access;
using Notify.Server.Authentication.Tokens;

namespace Notify.Server.Authentication.Keys;

/// <summary>From an API key to its caller.</summary>
internal sealed class ApiKeyVerifier
{
    private static readonly Rejection Mistyped = new("malformed", "The API key has a slip in it: its checksum does not fit. Copy it whole.", Counts: true);

    public Task<(Caller?, Rejection?)> VerifyAsync(string text, string? device)
    {
        _ = device;
        if (!KeyText.TryRead(text, out var key)) return Task.FromResult<(Caller?, Rejection?)>((null, Mistyped));
        return Task.FromResult<(Caller?, Rejection?)>((null, new Rejection("unknown_key", "The API key is unknown.", Counts: true, key.Id)));
    }
}
