using Microsoft.Extensions.Primitives;
using Notify.Contracts;
using Notify.Engine;

namespace Notify.Server.Authentication;

/// <summary>The credential in a request, unread: where it may be, and that there is one at most.</summary>
/// <param name="Text">What was shown; empty when a place for it is there and nothing in it.</param>
/// <param name="MustBeKey">It was in the header for API keys: nothing else is taken there.</param>
internal readonly record struct ShownCredential(ReadOnlyMemory<char> Text, bool MustBeKey)
{
    public const string KeyHeader = "X-Api-Key";

    /// <summary>Where browsers put a token, because they cannot set headers on WebSockets and event streams.</summary>
    public const string QueryParameter = "access_token";

    private const string Bearer = "Bearer";

    private static readonly Refusal Several = new(
        ErrorCodes.InvalidRequest,
            $"Show one credential: the header '{KeyHeader}', 'Authorization: {Bearer}' or '{QueryParameter}' in the query, and it once.");

    /// <summary>Finds it; null in <paramref name="shown"/> when there is none.</summary>
    /// <param name="request">The request.</param>
    /// <param name="inQuery">Whether this endpoint takes it in the query.</param>
    /// <param name="shown">The credential.</param>
    public static Refusal? Find(HttpRequest request, bool inQuery, out ShownCredential? shown)
    {
        shown = null;
        var key = request.Headers[KeyHeader];
        var authorization = request.Headers.Authorization;
        var query = inQuery && request.QueryString.HasValue ? request.Query[QueryParameter] : StringValues.Empty;
        if (key.Count + query.Count == 0 && authorization.Count == 0) return null;

        var bearers = 0;
        foreach (var value in authorization)
        {
            if (!IsBearer(value, out var token)) continue; // another scheme is the proxy's or the host's
            bearers++;
            shown = new ShownCredential(token, MustBeKey: false);
        }

        if (key.Count + query.Count + bearers > 1) return Several;
        if (key.Count == 1) shown = new ShownCredential(key[0].AsMemory(), MustBeKey: true);
        else if (query.Count == 1) shown = new ShownCredential(query[0].AsMemory(), MustBeKey: false);
        return null;
    }

    // Nothing prints it, also when the record is logged.
    public override string ToString() => MustBeKey ? KeyHeader : Bearer;

    private static bool IsBearer(string? value, out ReadOnlyMemory<char> token)
    {
        token = default;
        if (value is null || !value.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return false;
        if (value.Length == Bearer.Length) return true;
        if (value[Bearer.Length] != ' ') return false;
        token = value.AsMemory(Bearer.Length + 1).Trim();
        return true;
    }
}
