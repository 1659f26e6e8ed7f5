using Microsoft.AspNetCore.WebUtilities;

namespace Notify.Server.Http;

/// <summary>
/// The parameter <c>filter</c> of a query. A plain <c>+</c> in a query means a space in HTML forms, and a
/// wildcard in MQTT: where it is a whole segment it is the wildcard, elsewhere a space.
/// </summary>
internal static class QueryFilters
{
    internal const string Parameter = "filter";

    private const string Space = "%20";

    /// <summary>All of them, decoded; of a query that <c>ApiGuard</c> has found to be percent-encoded.</summary>
    public static List<string> Read(HttpRequest request)
    {
        var filters = new List<string>();
        foreach (var pair in new QueryStringEnumerable(request.QueryString.Value))
        {
            if (pair.DecodeName().Span.SequenceEqual(Parameter)) filters.Add(Decode(pair.EncodedValue.ToString()));
        }

        return filters;
    }

    private static string Decode(string encoded)
    {
        if (encoded.Contains('+', StringComparison.Ordinal))
        {
            var segments = encoded.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase).Split('/');
            encoded = string.Join('/', segments.Select(segment => segment == "+" ? segment : segment.Replace("+", Space, StringComparison.Ordinal)));
        }

        return PercentEncoding.TryDecode(encoded, out var filter) ? filter : throw new BadHttpRequestException("The query is not percent-encoded UTF-8.");
    }
}
