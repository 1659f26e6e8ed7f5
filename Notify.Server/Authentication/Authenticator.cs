using System.Net;
using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Server.Authentication.Keys;
using Notify.Server.Authentication.Tokens;

namespace Notify.Server.Authentication;

/// <summary>
/// From a request to its caller: one asynchronous step for each request, and for a connection the one that opened it, with
/// which the caller is kept (<see cref="Find"/>).
/// </summary>
internal sealed partial class Authenticator(
    ITokenVerifier tokens,
    ApiKeyVerifier keys,
    HostPrincipal host,
    CredentialState state,
    CurrentAccessMode accessMode,
    BadCredentials bad,
    AccessMetrics metrics,
    IOptions<NotifyOptions> options,
    ILogger<Authenticator> logger)
{
    public const string UserParameter = "user";
    public const string DeviceParameter = "device";

    private static readonly object ItemKey = new();

    private static readonly Refusal NotLocal = new(
        ErrorCodes.Forbidden, "In Development without a key or an authority the service is for this machine only: call it from here, as localhost.");

    private static readonly Refusal StorageAway = new(ErrorCodes.StorageUnavailable, "The storage has not been reached yet. Try again in a second.");
    private static readonly Refusal OtherUser = new(ErrorCodes.InvalidRequest, $"'{UserParameter}' in the query names the caller in open Development only.");

    // A call that names neither user nor device has the caller of all such calls.
    private static readonly Caller Everybody =
        new() { Kind = CallerKind.Everybody, Grants = new Grants { Subscribe = Grants.EveryTopic, Publish = Grants.Everything } };

    private static readonly Caller Developer = new() { Kind = CallerKind.Development, Grants = Grants.OfAdmin };

    private readonly Caller _anonymous = new()
    {
        Kind = CallerKind.Anonymous,
        Grants = new Grants
        {
            Subscribe = [.. options.Value.Auth.AnonymousSubscribe.Select(filter => GrantRules.Fill(filter, null)).OfType<TopicFilter>()],
            Publish = [.. options.Value.Auth.AnonymousPublish.Select(filter => GrantRules.Fill(filter, null)).OfType<TopicFilter>()],
        },
    };

    /// <summary>Keeps the caller with the request that opens a connection, for what is done on the connection later.</summary>
    public static void Keep(HttpContext context, Caller caller) => context.Items[ItemKey] = caller;

    /// <summary>The caller that was kept with this request.</summary>
    public static Caller? Find(HttpContext context) => context.Items.TryGetValue(ItemKey, out var caller) ? (Caller?)caller : null;

    /// <summary>Identifies the caller. A refusal has its headers in the response already.</summary>
    /// <param name="context">The request.</param>
    /// <param name="tokenInQuery">Whether this endpoint takes a token in the query.</param>
    public async ValueTask<(Caller? Caller, Refusal? Refusal)> AuthenticateAsync(HttpContext context, bool tokenInQuery)
    {
        var (caller, refusal) = await IdentifyAsync(context, tokenInQuery);
        if (caller is null) metrics.Refused(refusal!.Code);
        return (caller, refusal);
    }

    /// <summary>The caller that a fresh token makes, on a connection that is there already.</summary>
    public async Task<(Caller? Caller, Refusal? Refusal)> ReauthenticateAsync(string? token, string? device, IPAddress? address)
    {
        if (await state.MayAcceptAsync() is { } blind) return (null, blind);
        var (caller, rejection) = await VerifyAsync(new ShownCredential(token.AsMemory(), MustBeKey: false), device, last: null);
        if (caller is { Kind: not CallerKind.Token }) return (null, new Refusal(ErrorCodes.Forbidden, "An API key is no user's: connect with it."));
        return caller is not null ? (caller, null) : (null, Reject(rejection!, address, out _));
    }

    private async ValueTask<(Caller?, Refusal?)> IdentifyAsync(HttpContext context, bool tokenInQuery)
    {
        var mode = accessMode.Now;
        if (mode == AccessMode.Undecided) return (null, StorageAway);
        if (mode == AccessMode.Development && !CurrentAccessMode.IsLocal(context)) return (null, NotLocal);

        string? user = null, device = null;
        if (context.Request.QueryString.HasValue)
        {
            if ((Read(context, UserParameter, out user) ?? Read(context, DeviceParameter, out device)) is { } problem) return (null, problem);
            if (user is not null && mode != AccessMode.Development) return (null, OtherUser);
        }

        if (ShownCredential.Find(context.Request, tokenInQuery, out var shown) is { } several) return (null, several);
        if (shown is { } credential && mode != AccessMode.Development)
        {
            var last = tokenInQuery ? null : LastShown.Of(context); // one that may come in the query opens a connection that stays
            return await CheckAsync(context, credential, device, last);
        }

        if (mode != AccessMode.Development && host.IsAuthenticated(context)) // an open service identifies no caller
        {
            if (await state.MayAcceptAsync() is { } blind) return (null, blind);
            return await host.CallerOfAsync(context, device);
        }

        return (Unshown(mode, user, device), null);
    }

    private async ValueTask<(Caller?, Refusal?)> CheckAsync(HttpContext context, ShownCredential shown, string? device, LastShown? last)
    {
        if (await state.MayAcceptAsync() is { } blind) return (null, blind);
        var (caller, rejection) = await VerifyAsync(shown, device, last);
        if (caller is not null) return (caller, null);
        var refusal = Reject(rejection!, context.Connection.RemoteIpAddress, out var retryAfter);
        if (retryAfter is { } after) context.Response.Headers.RetryAfter = $"{Math.Max(1, (int)Math.Ceiling(after.TotalSeconds))}";
        else if (refusal.Code == ErrorCodes.Unauthenticated) context.Response.Headers.WWWAuthenticate = Challenge.Of(rejection!);
        return (null, refusal);
    }

    private async ValueTask<(Caller?, Rejection?)> VerifyAsync(ShownCredential shown, string? device, LastShown? last)
    {
        if (accessMode.Now == AccessMode.Everybody)
            return (null, new Rejection("unconfigured", "This service takes no credentials: it is open (Notify:Auth:AllowAnonymous), and has no key and no " +
                "authority.", Counts: true));
        if (shown.MustBeKey || KeyText.IsKey(shown.Text.Span)) return await keys.VerifyAsync(shown.Text, device, last);

        var (token, rejection) = await tokens.VerifyAsync(shown.Text, last);
        if (token is null) return (null, rejection);
        var caller = device is null ? token.Caller : token.Caller with { Device = device };
        return state.Check(caller) is { } ended ? (null, ended) : (caller, null);
    }

    private Caller Unshown(AccessMode mode, string? user, string? device)
    {
        if (mode == AccessMode.Development && user is not null)
            return Developer with { User = user, Device = device, Name = user, Publisher = $"dev:{user}" };
        var caller = mode switch
        {
            AccessMode.Development => Developer,
            AccessMode.Everybody => Everybody,
            _ => _anonymous,
        };
        return device is null ? caller : caller with { Device = device };
    }

    private Refusal Reject(Rejection rejection, IPAddress? address, out TimeSpan? retryAfter)
    {
        retryAfter = null;
        metrics.Rejected(rejection.Reason);
        if (rejection.Counts && !bad.Count(address, out var after))
        {
            retryAfter = after;
            return new Refusal(ErrorCodes.TooManyRequests,
                $"More than {BadCredentials.Limit} bad credentials a minute came from this address. A good one is accepted at any time.");
        }

        Log.Rejected(logger, rejection.Reason, rejection.Shown, BadCredentials.Network(address));
        return new Refusal(ErrorCodes.Unauthenticated, rejection.Detail);
    }

    private static Refusal? Read(HttpContext context, string parameter, out string? value)
    {
        value = null;
        if (!context.Request.Query.TryGetValue(parameter, out var given)) return null;
        value = given[0];
        if (given.Count > 1) return new Refusal(ErrorCodes.InvalidRequest, $"'{parameter}' is in the query twice.");
        return TopicName.IsValidId(value, parameter, out var problem) ? null : new Refusal(ErrorCodes.InvalidRequest, problem);
    }

    private static partial class Log
    {
        [LoggerMessage(6001, LogLevel.Information, "Credential rejected ({Reason}); key {KeyId}, from {Address}. The client was answered 401.")]
        public static partial void Rejected(ILogger logger, string reason, string keyId, string address);
    }
}

/// <summary>What <c>WWW-Authenticate</c> says (RFC 6750 §3): nothing of the request is in it.</summary>
internal static class Challenge
{
    /// <summary>For a request that showed no credential.</summary>
    public const string Plain = "Bearer realm=\"notify\"";

    public static string Of(Rejection rejection) => $"{Plain}, error=\"invalid_token\", error_description=\"{rejection.Detail.Replace('"', '\'')}\"";
}

/// <summary>The identity of a publisher, for idempotency keys: different callers never share one, whatever their names are made of.</summary>
internal static class PublisherNames
{
    private const int MaxLength = 512;

    public static string OfToken(string issuer, string? subject) => Short($"jwt:{Uri.EscapeDataString(issuer)}:{Uri.EscapeDataString(subject ?? "")}");

    public static string OfHost(string user) => Short($"host:{Uri.EscapeDataString(user)}");

    public static string OfKey(string id) => $"key:{id}";

    // It is part of an index's row.
    private static string Short(string name) =>
        name.Length <= MaxLength ? name
            : $"sha256:{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name)))}";
}
