using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Notify.Contracts;
using Notify.Engine.Directory.Rules;

namespace Notify.Engine.Directory.Attributes;

/// <summary>Which part of a user's attributes a patch is for.</summary>
internal enum AttributesPart
{
    /// <summary>What administrators say of the user: everything but <see cref="AttributePatch.Self"/>.</summary>
    Others,

    /// <summary>What the user says of itself; in rules it is seen as <c>@.self.…</c> alone.</summary>
    Self,
}

/// <summary>What a patch makes of a user's attributes.</summary>
/// <param name="Json">All of them; null: none.</param>
/// <param name="Shown">What the call answers: all of them, or what the user says of itself.</param>
/// <param name="Changed">The names, at the top, of what is another by it. Empty: it changes nothing.</param>
internal sealed record PatchedAttributes(string? Json, JsonElement Shown, IReadOnlySet<string> Changed);

/// <summary>A JSON merge patch (RFC 7396) of a user's attributes.</summary>
internal static class AttributePatch
{
    /// <summary>The member that is the user's own.</summary>
    public const string Self = "self";

    public const int MostBytes = 16 * 1024;
    public const int MostSelfBytes = 8 * 1024;
    public const int MostLevels = 8;

    private static readonly JsonSerializerOptions Unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonElement Empty = JsonSerializer.SerializeToElement(new JsonObject());

    /// <summary>Null when the patch is one, and has nothing in it that no attributes may have.</summary>
    public static Refusal? Check(JsonElement patch, AttributesPart part)
    {
        if (patch.ValueKind != JsonValueKind.Object)
            return Invalid("Attributes are changed by a JSON object, a merge patch (RFC 7396): null removes a member.");
        if (Problem(patch) is { } problem) return Invalid(problem);
        if (part == AttributesPart.Others && patch.TryGetProperty(Self, out _))
            return Invalid($"'{Self}' is what the user says of itself: the user changes it with SetAttributes or PATCH …/attributes/{Self}.");
        return null;
    }

    /// <summary>Applies a patch that was checked.</summary>
    public static (PatchedAttributes? Patched, Refusal? Refusal) Apply(string? json, JsonElement patch, AttributesPart part)
    {
        var before = Parse(json);
        var after = JsonObject.Create(before)!;
        if (part == AttributesPart.Self)
        {
            var self = Merge(after[Self], patch);
            after.Remove(Self);
            if (self.Count > 0) after[Self] = self;
            if (TooMuch(self, MostSelfBytes) is { } refusal) return (null, refusal);
        }
        else
        {
            var self = after[Self];
            after.Remove(Self);
            after = Merge(after, patch);
            if (TooMuch(after, MostBytes) is { } refusal) return (null, refusal);
            if (self is not null) after[Self] = self;
        }

        var all = JsonSerializer.SerializeToElement(after);
        var changed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in all.EnumerateObject())
        {
            if (!before.TryGetProperty(member.Name, out var old) || !JsonElement.DeepEquals(old, member.Value)) changed.Add(member.Name);
        }

        foreach (var member in before.EnumerateObject())
        {
            if (!all.TryGetProperty(member.Name, out _)) changed.Add(member.Name);
        }

        return (new PatchedAttributes(after.Count == 0 ? null : after.ToJsonString(Unescaped), Shown(all, part), changed), null);
    }

    /// <summary>What is shown of stored attributes.</summary>
    public static JsonElement Shown(string? json, AttributesPart part) => Shown(Parse(json), part);

    private static JsonElement Shown(JsonElement all, AttributesPart part) =>
        part == AttributesPart.Others ? all : all.TryGetProperty(Self, out var self) ? self : Empty;

    private static JsonElement Parse(string? json)
    {
        if (json is null) return Empty;
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    // RFC 7396 §2: a target that is no object is replaced by one.
    private static JsonObject Merge(JsonNode? target, JsonElement patch)
    {
        var merged = target as JsonObject is { } old ? (JsonObject)old.DeepClone() : [];
        foreach (var member in patch.EnumerateObject())
        {
            var existing = merged[member.Name];
            merged.Remove(member.Name);
            if (member.Value.ValueKind == JsonValueKind.Null) continue;
            merged[member.Name] = member.Value.ValueKind == JsonValueKind.Object ? Merge(existing, member.Value) : ToNode(member.Value);
        }

        return merged;
    }

    private static JsonNode? ToNode(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.Array => new JsonArray([.. value.EnumerateArray().Select(ToNode)]),
        JsonValueKind.Object => new JsonObject(value.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, ToNode(member.Value)))),
        JsonValueKind.Number when AttributeNumbers.TryRead(value, out var number) && number == 0 => JsonValue.Create(0), // Postgres keeps no -0
        _ => JsonValue.Create(value.Clone()),
    };

    private static Refusal? TooMuch(JsonObject attributes, int most)
    {
        if (Levels(attributes) > MostLevels) return Invalid($"Attributes have at most {MostLevels} levels of objects and arrays, the outermost included.");
        return JsonSerializer.SerializeToUtf8Bytes(attributes, Unescaped).Length > most
            ? Invalid($"With this the attributes would have more than {most} bytes of JSON.") : null;
    }

    private static int Levels(JsonNode? node) => node switch
    {
        JsonObject members => 1 + members.Select(member => Levels(member.Value)).DefaultIfEmpty(0).Max(),
        JsonArray elements => 1 + elements.Select(Levels).DefaultIfEmpty(0).Max(),
        _ => 0,
    };

    private static string? Problem(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var names = new HashSet<string>(StringComparer.Ordinal);
                foreach (var member in value.EnumerateObject())
                {
                    if (!TryText(() => member.Name, out var name)) return "A name has NUL or an unpaired surrogate in it.";
                    if (!names.Add(name)) return $"The member '{(name.Length <= 64 ? name : name[..64])}' is there twice.";
                    if (Problem(member.Value) is { } problem) return problem;
                }

                return null;
            case JsonValueKind.Array:
                return value.EnumerateArray().Select(Problem).FirstOrDefault(problem => problem is not null);
            case JsonValueKind.String:
                return TryText(() => value.GetString()!, out _) ? null : "A string has NUL or an unpaired surrogate in it.";
            case JsonValueKind.Number:
                return AttributeNumbers.TryRead(value, out _) ? null
                    : $"A number has at most {AttributeNumbers.Digits} digits, before and after the point together.";
            case JsonValueKind.Undefined:
                return "There is no value.";
            default:
                return null;
        }
    }

    // Text that cannot be UTF-16 throws where it is read.
    private static bool TryText(Func<string> read, out string text)
    {
        try
        {
            text = read();
        }
        catch (InvalidOperationException)
        {
            text = "";
            return false;
        }

        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\0') return false;
            if (!char.IsSurrogate(text[i])) continue;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1])) return false;
            i++;
        }

        return true;
    }

    private static Refusal Invalid(string detail) => new(ErrorCodes.InvalidRequest, detail);
}
