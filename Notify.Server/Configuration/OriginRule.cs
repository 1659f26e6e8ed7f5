namespace Notify.Server.Configuration;

/// <summary>What is an origin (RFC 6454): scheme, host and port, nothing after them.</summary>
internal static class OriginRule
{
    /// <summary>The origin as browsers send it: lower case, without the scheme's usual port or a trailing slash.</summary>
    public static bool TryNormalise(string text, out string origin)
    {
        origin = "";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri)
            || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps)
            || uri.Host.Length == 0 || uri.UserInfo.Length > 0 || uri.PathAndQuery != "/" || uri.Fragment.Length > 0
            || text.Contains('*', StringComparison.Ordinal))
            return false;
        origin = uri.GetLeftPart(UriPartial.Authority);
        return true;
    }
}
