using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Nodes;
using Notify.Contracts.Topics;

namespace Notify.Server.Authentication.Tokens;

/// <summary>
/// The claims of a token or of a host's principal, read alike. A claim of another type than it should have grants nothing, and so
/// does each part of it: what cannot be read must not become more than was meant.
/// </summary>
internal sealed class Claims(JsonElement payload)
{
    public const string Subscribe = "notify_subscribe";
    public const string Publish = "notify_publish";
    public const string Groups = "notify_groups";
    public const string Join = "notify_join";
    public const string Admin = "notify_admin";
    public const string Subject = "sub";
    public const string Issuer = "iss";

    // OAuth's lists are one text with spaces between (RFC 6749 §3.3).
    private static readonly string[] SpaceSeparated = ["scope", "scp"];

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 32 };

    /// <summary>
    /// Those of a principal: each claim's value is a text. Several of one type are an array, and a value that is JSON by its type
    /// is read as that.
    /// </summary>
    public static Claims Of(ClaimsPrincipal principal)
    {
        var members = new JsonObject();
        foreach (var claims in principal.Claims.GroupBy(claim => claim.Type, StringComparer.Ordinal))
        {
            JsonNode?[] values = [.. claims.SelectMany(Values)];
            members[claims.Key] = values.Length == 1 ? values[0] : new JsonArray(values);
        }

        return new Claims(JsonSerializer.SerializeToElement(members));
    }

    public bool TryText(string name, [NotNullWhen(true)] out string? value)
    {
        value = null;
        return payload.TryGetProperty(name, out var member) && TryText(member, out value);
    }

    /// <summary>A time in seconds since 1970 (NumericDate, RFC 7519 §2); false when it is there and none.</summary>
    public bool TryTime(string name, out DateTimeOffset? time)
    {
        time = null;
        if (!payload.TryGetProperty(name, out var member)) return true;
        if (member.ValueKind != JsonValueKind.Number || !member.TryGetDouble(out var seconds) || !double.IsFinite(seconds)) return false;
        time = DateTimeOffset.UnixEpoch.AddSeconds(Math.Clamp(seconds, -62_000_000_000, 253_000_000_000)); // years 5 to 9987
        return true;
    }

    /// <summary>Filters; a single text is one. Those that are none are left out.</summary>
    public List<TopicFilter> Filters(string name)
    {
        var filters = new List<TopicFilter>();
        foreach (var text in Texts(name))
        {
            if (TopicFilter.TryParseAny(text, out var filter, out _)) filters.Add(filter);
        }

        return filters;
    }

    /// <summary>Group names; those that are none are left out.</summary>
    public List<string> Names(string name, string? alsoAllowed = null) =>
        [.. Texts(name).Where(text => text == alsoAllowed || TopicName.IsValidId(text, "group", out _)).Distinct(StringComparer.Ordinal)];

    public bool IsTrue(string name) => payload.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.True;

    /// <summary>The claims of these names, as an object; null when there is none of them. One that is null says nothing.</summary>
    public JsonElement? Members(IReadOnlyCollection<string> names)
    {
        var members = new JsonObject();
        foreach (var name in names)
        {
            if (payload.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null) members[name] = JsonSerializer.SerializeToNode(member);
        }

        return members.Count == 0 ? null : JsonSerializer.SerializeToElement(members);
    }

    /// <summary>Whether the claim at a path, such as <c>realm_access.roles</c>, is this value or has it among its values.</summary>
    public bool Has(string path, string value) => Find(payload, path).Any(found => Is(found, value, SpaceSeparated.Contains(path, StringComparer.Ordinal)));

    /// <summary>False when it is no text, or one with half a surrogate pair, which no string here may have.</summary>
    public static bool TryText(JsonElement member, [NotNullWhen(true)] out string? value)
    {
        value = null;
        if (member.ValueKind != JsonValueKind.String) return false;
        try
        {
            value = member.GetString();
            return value is not null;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static IEnumerable<JsonNode?> Values(Claim claim) => claim.ValueType switch
    {
        ClaimValueTypes.Boolean when bool.TryParse(claim.Value, out var flag) => [JsonValue.Create(flag)],
        _ when claim.Type == Admin && bool.TryParse(claim.Value, out var admin) => [JsonValue.Create(admin)],
        "JSON" or "json" or "JSON_ARRAY" when TryParse(claim.Value) is { } node =>
            node is JsonArray array ? [.. array.Select(item => item?.DeepClone())] : [node],
        _ => [JsonValue.Create(claim.Value)],
    };

    private static JsonNode? TryParse(string json)
    {
        try
        {
            return JsonNode.Parse(json, documentOptions: Strict);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Claims with dots in their own name are common ('https://idp.example/roles'): the longest name wins over a path.
    private static IEnumerable<JsonElement> Find(JsonElement at, string path)
    {
        if (at.ValueKind != JsonValueKind.Object) yield break;
        if (at.TryGetProperty(path, out var whole))
        {
            yield return whole;
            yield break;
        }

        for (var dot = path.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = path.IndexOf('.', dot + 1))
        {
            if (!at.TryGetProperty(path[..dot], out var below)) continue;
            foreach (var found in Find(below, path[(dot + 1)..])) yield return found;
        }
    }

    private static bool Is(JsonElement member, string value, bool spaceSeparated) => member.ValueKind switch
    {
        JsonValueKind.Array => member.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.Array && Is(item, value, spaceSeparated: false)),
        JsonValueKind.String => TryText(member, out var text) && (text == value || (spaceSeparated && text.Split(' ').Contains(value, StringComparer.Ordinal))),
        JsonValueKind.True => value == "true",
        JsonValueKind.False => value == "false",
        JsonValueKind.Number => string.Equals(member.GetRawText(), value, StringComparison.Ordinal)
            || (long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && member.TryGetInt64(out var own)
                && own == number),
        _ => false,
    };

    private IEnumerable<string> Texts(string name)
    {
        if (!payload.TryGetProperty(name, out var member)) yield break;
        if (TryText(member, out var single)) yield return single;
        if (member.ValueKind != JsonValueKind.Array) yield break;
        foreach (var item in member.EnumerateArray())
        {
            if (TryText(item, out var text)) yield return text;
        }
    }
}
