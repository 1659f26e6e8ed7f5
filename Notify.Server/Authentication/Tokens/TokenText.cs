using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Notify.Server.Authentication.Tokens;

/// <summary>
/// The two JSON objects of a JWT, read before its signature is checked: nothing in them counts until it was. Stricter than JWT
/// libraries: a member that is there twice would be one value for them and another one here.
/// </summary>
internal sealed class TokenText
{
    /// <summary>Characters: a token with ten thousand grants, shown by Reauthenticate, and not a memory bomb.</summary>
    public const int MaxLength = 1024 * 1024;

    private const int MaxKeyIdLength = 64;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 32 };

    private TokenText(string algorithm, string? type, string? keyId, bool isCritical, JsonElement payload) =>
        (Algorithm, Type, KeyId, IsCritical, Payload) = (algorithm, type, keyId, isCritical, payload);

    public string Algorithm { get; }
    public string? Type { get; }
    public string? KeyId { get; }

    /// <summary>It demands an extension (<c>crit</c>, RFC 7515 §4.1.11); there is none here.</summary>
    public bool IsCritical { get; }

    public JsonElement Payload { get; }

    /// <summary>The key id for a log line: it is untrusted text.</summary>
    public string ShownKeyId =>
        KeyId is null ? "none" : string.Concat(KeyId.Take(MaxKeyIdLength).Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '?'));

    public static bool TryRead(string token, [NotNullWhen(true)] out TokenText? text)
    {
        text = null;
        if (token.Length > MaxLength) return false;
        var first = token.IndexOf('.', StringComparison.Ordinal);
        var second = first < 0 ? -1 : token.IndexOf('.', first + 1);
        if (second < 0 || token.IndexOf('.', second + 1) >= 0 || second == token.Length - 1) return false;
        if (!TryDecode(token.AsSpan(0, first), out var header) || !TryDecode(token.AsSpan(first + 1, second - first - 1), out var payload)) return false;
        if (!TryText(header, "alg", out var algorithm) || algorithm is null || !TryText(header, "typ", out var type) || !TryText(header, "kid", out var keyId))
            return false;
        text = new TokenText(algorithm, type, keyId, header.TryGetProperty("crit", out _), payload);
        return true;
    }

    private static bool TryDecode(ReadOnlySpan<char> part, out JsonElement json)
    {
        json = default;
        try
        {
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(part), Strict);
            json = document.RootElement.Clone();
            return json.ValueKind == JsonValueKind.Object;
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            return false;
        }
    }

    private static bool TryText(JsonElement header, string name, out string? value)
    {
        value = null;
        if (!header.TryGetProperty(name, out var member)) return true;
        return Claims.TryText(member, out value);
    }
}
