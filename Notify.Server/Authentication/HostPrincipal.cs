using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Server.Authentication.Tokens;

namespace Notify.Server.Authentication;

/// <summary>
/// The principal that the hosting app has authenticated, by its cookie or its own scheme, as the caller. Browsers send cookies
/// unasked, from pages of others too: whatever changes something, and each connect to the hub, must come from an allowed origin.
/// </summary>
internal sealed class HostPrincipal(GrantRules grants, CredentialState state, IOptions<NotifyOptions> options)
{
    private const string FetchSite = "Sec-Fetch-Site";

    private static readonly Refusal CrossSite = new(
        ErrorCodes.Forbidden,
        "By the hosting app's own sign-in, calls that change something and hub connections need an allowed 'Origin', or 'Sec-Fetch-Site: same-origin'.");

    private readonly bool _enabled = options.Value.Auth.HostPrincipal;

    // Not by context.User, which makes a principal where there is none.
    public bool IsAuthenticated(HttpContext context) => _enabled
        && context.Features.Get<IHttpAuthenticationFeature>()?.User is { } user && user.Identities.Any(identity => identity.IsAuthenticated);

    public ValueTask<(Caller?, Refusal?)> CallerOfAsync(HttpContext context, string? device)
    {
        if (NeedsOrigin(context.Request) && !ComesFromAllowedOrigin(context.Request)) return new((null, CrossSite));

        var principal = context.User;
        var subject = principal.FindFirst(Claims.Subject)?.Value ?? principal.FindFirst(ClaimTypes.NameIdentifier)?.Value;
        var user = TopicName.IsValidId(subject, "user", out _) ? subject : null;
        var ticket = context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties;
        var caller = new Caller
        {
            Kind = CallerKind.Host,
            User = user,
            Device = device,
            Name = subject is { Length: <= TokenVerifier.MaxSubjectLength } ? subject : null,
            Publisher = PublisherNames.OfHost(subject ?? ""),
            Grants = grants.For(Claims.Of(principal), user),
            Attributes = grants.AttributesOf(Claims.Of(principal)),
            Credential = new Credential(null, ticket?.IssuedUtc, ticket?.ExpiresUtc),
        };

        if (state.Check(caller) is not { } ended) return new((caller, null));
        context.Response.Headers.WWWAuthenticate = Challenge.Of(ended);
        return new((null, new Refusal(ErrorCodes.Unauthenticated, ended.Detail)));
    }

    private static bool NeedsOrigin(HttpRequest request) =>
        request.HttpContext.GetEndpoint()?.Metadata.GetMetadata<HubEndpoint>() is not null
        || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method));

    // A foreign origin does not come here: the origin gate before every endpoint has refused it.
    private static bool ComesFromAllowedOrigin(HttpRequest request) =>
        !StringValues.IsNullOrEmpty(request.Headers.Origin) || request.Headers[FetchSite] == "same-origin";
}
