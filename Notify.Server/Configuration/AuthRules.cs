using Notify.Engine.Configuration;

namespace Notify.Server.Configuration;

/// <summary>Settings of <c>Notify:Auth</c> that do not go together: each is one sentence for the operator.</summary>
internal static class AuthRules
{
    /// <exception cref="SettingsException">Something does not go together, and what to do.</exception>
    public static void Check(NotifyOptions options)
    {
        var auth = options.Auth;
        if (auth.Authority is { } authority) CheckAuthority(authority, auth);
        else if (auth.AllSigningKeys.Count == 0) CheckUnused(auth);
        if (!auth.AllSigningKeys.All(ListSetting.IsSigningKey))
            throw new SettingsException($"A signing key in Notify:Auth is too short: each has at least {ListSetting.LeastKeyBytes} bytes of UTF-8.");

        foreach (var (number, grant) in auth.GrantsByNumber.OrderBy(item => item.Key))
        {
            if ((grant.Claim is null) == (grant.Value is null)) continue;
            throw new SettingsException(grant.Claim is null
                ? $"The setting Notify:Auth:Grants:{number}:Value has no Claim beside it: name the claim, or remove the value so that the grant holds for " +
                    "every caller with a token."
                : $"The setting Notify:Auth:Grants:{number}:Claim has no Value beside it: say which value of the claim is granted something.");
        }
    }

    private static void CheckAuthority(string authority, AuthSettings auth)
    {
        if (!Uri.TryCreate(authority, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp)
            || uri.Query.Length > 0 || uri.Fragment.Length > 0)
            throw new SettingsException($"The setting Notify:Auth:Authority is '{authority}', but must be the address of an OIDC authority, such as " +
                "https://login.example/realms/shop.");
        if (uri.Scheme != Uri.UriSchemeHttps && !uri.IsLoopback)
            throw new SettingsException($"The setting Notify:Auth:Authority is '{authority}', but must begin with https: outside this machine an attacker " +
                "on the network could supply keys.");
        if (auth.Audience is null)
            throw new SettingsException("The setting Notify:Auth:Authority needs Notify:Auth:Audience beside it: without it, tokens that the authority " +
                "issued for other services would be accepted.");
    }

    private static void CheckUnused(AuthSettings auth)
    {
        var name = auth switch
        {
            { Issuer: not null } => nameof(auth.Issuer),
            { Audience: not null } => nameof(auth.Audience),
            _ => null,
        };
        if (name is not null)
            throw new SettingsException($"The setting Notify:Auth:{name} is set, but there is nothing to verify tokens with: set Notify:Auth:Authority or " +
                "Notify:Auth:SigningKey, or remove it.");
    }
}
