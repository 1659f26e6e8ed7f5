using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Engine;
using Notify.Engine.Publishing;
using Notify.Server.Authentication.Tokens;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary>A small JSON body, read member by member: what it does not know, and what is there twice, is refused with its name.</summary>
internal sealed class JsonMembers
{
    private const int MaxBytes = 1024 * 1024;
    private const int MostFilters = 1000;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = StrictJson.MaxDepth };

    private readonly Dictionary<string, JsonElement> _members = new(StringComparer.Ordinal);

    /// <summary>Reads the body of a request; an empty one is an object without members where that is allowed.</summary>
    public static async Task<(JsonMembers? Members, Refusal? Refusal)> ReadAsync(HttpContext context, bool mayBeEmpty, params string[] names)
    {
        using var body = await RequestBody.ReadAsync(context, MaxBytes);
        if (body.Refusal is { } unread) return (null, unread);
        if (body.Bytes.IsEmpty && mayBeEmpty) return (new JsonMembers(), null);
        if (MediaTypes.RequireJson(context.Request) is { } badType) return (null, badType);
        try
        {
            using var document = JsonDocument.Parse(body.Bytes, Options);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return (null, Refusal.Invalid("The body is a JSON object."));
            var members = new JsonMembers();
            return members.Take(document.RootElement, names) is { } refusal ? (null, refusal) : (members, null);
        }
        catch (JsonException malformed)
        {
            return (null, StrictJson.Malformed(malformed));
        }
    }

    public Refusal? Text(string name, int maxLength, out string? value)
    {
        value = null;
        if (!TryFind(name, out var member)) return null;
        return Claims.TryText(member, out value) && value.Length > 0 && value.Length <= maxLength && !value.Any(char.IsControl)
            ? null
            : Refusal.Invalid($"'{name}' is a text of 1 to {maxLength} characters, without control characters.");
    }

    public Refusal? Flag(string name, out bool value)
    {
        value = false;
        if (!TryFind(name, out var member)) return null;
        value = member.ValueKind == JsonValueKind.True;
        return member.ValueKind is JsonValueKind.True or JsonValueKind.False ? null : Refusal.Invalid($"'{name}' is true or false.");
    }

    public Refusal? Time(string name, out DateTimeOffset? value)
    {
        value = null;
        if (!TryFind(name, out var member)) return null;
        if (!Claims.TryText(member, out var text) || !text.Contains('T', StringComparison.OrdinalIgnoreCase) || !char.IsAsciiDigit(text[0])
            || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
            return Refusal.Invalid($"'{name}' is a time such as 2026-11-23T05:00:00Z (RFC 3339).");
        value = time;
        return null;
    }

    /// <summary>Filters, those of users and groups too.</summary>
    public Refusal? Filters(string name, out IReadOnlyList<string> values)
    {
        var filters = new List<string>();
        values = filters;
        if (!TryFind(name, out var member)) return null;
        if (member.ValueKind != JsonValueKind.Array || member.GetArrayLength() > MostFilters)
            return Refusal.Invalid($"'{name}' is an array of at most {MostFilters} topic filters.");
        foreach (var item in member.EnumerateArray())
        {
            if (!Claims.TryText(item, out var text)) return Refusal.Invalid($"'{name}' is an array of at most {MostFilters} topic filters.");
            if (!TopicFilter.TryParseAny(text, out _, out var problem)) return new Refusal(ErrorCodes.InvalidFilter, problem);
            if (!filters.Contains(text, StringComparer.Ordinal)) filters.Add(text);
        }

        return null;
    }

    /// <summary>Versions of the log, at least one; null when there is no such member.</summary>
    public Refusal? Versions(string name, int most, out IReadOnlyList<long>? values)
    {
        values = null;
        if (!TryFind(name, out var member)) return null;
        var refusal = Refusal.Invalid($"'{name}' is an array of 1 to {most} versions: whole numbers from 1 to {LogLimits.MaxVersion}.");
        if (member.ValueKind != JsonValueKind.Array || member.GetArrayLength() is < 1 || member.GetArrayLength() > most) return refusal;
        var versions = new List<long>(member.GetArrayLength());
        foreach (var item in member.EnumerateArray())
        {
            if (!TryVersion(item, 1, out var version)) return refusal;
            versions.Add(version);
        }

        values = versions;
        return null;
    }

    /// <summary>A version of the log, or 0.</summary>
    public Refusal? Version(string name, out long? value)
    {
        value = null;
        if (!TryFind(name, out var member)) return null;
        if (!TryVersion(member, 0, out var version)) return Refusal.Invalid($"'{name}' is a version: a whole number from 0 to {LogLimits.MaxVersion}.");
        value = version;
        return null;
    }

    private static bool TryVersion(JsonElement member, long least, out long version)
    {
        version = 0;
        return member.ValueKind == JsonValueKind.Number && member.TryGetInt64(out version) && version >= least && version <= LogLimits.MaxVersion;
    }

    /// <summary>Names of users or groups, each once.</summary>
    public Refusal? Ids(string name, string what, int most, out IReadOnlyList<string> values)
    {
        var ids = new List<string>();
        values = ids;
        if (!TryFind(name, out var member)) return null;
        if (member.ValueKind != JsonValueKind.Array || member.GetArrayLength() > most)
            return Refusal.Invalid($"'{name}' is an array of at most {most} {what} names.");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in member.EnumerateArray())
        {
            if (!Claims.TryText(item, out var text)) return Refusal.Invalid($"'{name}' is an array of at most {most} {what} names.");
            if (!TopicName.IsValidId(text, what, out var problem)) return new Refusal(ErrorCodes.InvalidRequest, problem);
            if (seen.Add(text)) ids.Add(text);
        }

        return null;
    }

    /// <summary>An array of texts that has to be there; what they may be is checked elsewhere.</summary>
    public Refusal? Texts(string name, out IReadOnlyList<string> values)
    {
        var texts = new List<string>();
        values = texts;
        if (!TryFind(name, out var member) || member.ValueKind != JsonValueKind.Array)
            return Refusal.Invalid($"'{name}' is missing: an array of topic filters.");
        foreach (var item in member.EnumerateArray())
        {
            if (!Claims.TryText(item, out var text)) return Refusal.Invalid($"'{name}' is an array of topic filters.");
            if (!texts.Contains(text, StringComparer.Ordinal)) texts.Add(text);
        }

        return null;
    }

    private bool TryFind(string name, [NotNullWhen(true)] out JsonElement member) =>
        _members.TryGetValue(name, out member) && member.ValueKind != JsonValueKind.Null;

    private Refusal? Take(JsonElement root, string[] names)
    {
        foreach (var member in root.EnumerateObject())
        {
            var shown = member.Name.Length <= 64 ? member.Name : member.Name[..64];
            if (Array.IndexOf(names, member.Name) < 0) return Refusal.Invalid($"The member '{shown}' is unknown. There are: {string.Join(", ", names)}.");
            if (!_members.TryAdd(member.Name, member.Value.Clone())) return Refusal.Invalid($"The member '{shown}' is there twice.");
        }

        return null;
    }
}
