using System.Buffers;

namespace Notify.Engine.Publishing;

/// <summary>
/// What a <c>link</c> may be: <c>http://…</c>, <c>https://…</c>, or a relative reference (RFC 3986 §4.2) within the
/// reader's own site. Pages put it into an <c>href</c>, so nothing that a browser would run or silently lead elsewhere
/// gets through: no other scheme, no network-path reference (<c>//host</c>), no backslash (browsers read it as a
/// slash), no whitespace or control characters (browsers drop them: <c>"java\tscript:"</c>).
/// </summary>
internal static class LinkRule
{
    internal const string Allowed =
        "'link' is an http or https URL or a relative reference such as '/orders/42', without whitespace, backslashes or a leading '//'.";

    private static readonly SearchValues<char> EndOfScheme = SearchValues.Create(":/?#");

    internal static bool IsAllowed(string link)
    {
        if (link.Length == 0) return false;
        foreach (var c in link)
        {
            if (char.IsControl(c) || char.IsWhiteSpace(c) || c is '\\' or '\uFEFF') return false;
        }

        var end = link.AsSpan().IndexOfAny(EndOfScheme);
        var hasScheme = end >= 0 && link[end] == ':';
        if (!hasScheme) return !link.StartsWith("//", StringComparison.Ordinal);
        return (link.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || link.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
            && Uri.TryCreate(link, UriKind.Absolute, out var uri)
            && uri.Host.Length > 0;
    }
}
