using System.Buffers.Text;
using System.Text.Json;
using Notify.Contracts;

namespace Notify.Engine.Publishing;

/// <summary>
/// What the service asks of JSON beyond RFC 8259, so that every client and both hub protocols can read what is stored:
/// no duplicate names, no unpaired surrogates, numbers that a double holds, at most <see cref="MaxDepth"/> levels.
/// </summary>
internal static class StrictJson
{
    /// <summary>Levels of one notification. Frames and pages put it two or three deeper, and readers stop at 64 by default.</summary>
    internal const int MaxDepth = 60;

    private const int LongestNameShown = 64;
    private const int HexDigits = 4;

    // The largest double has 309 digits: a number this short without an exponent is always within range.
    private const int SurelyFiniteLength = 300;

    // Parts of the reader's messages that are meant for its caller, not for the sender of the JSON.
    private const string NoToken = "The input does not contain any JSON tokens.";
    private const string PlaceInMessage = " LineNumber:";
    private const string ForProgrammers = " Change the reader options.";

    internal static readonly JsonReaderOptions Options = new()
    {
        MaxDepth = MaxDepth,
        CommentHandling = JsonCommentHandling.Disallow,
        AllowTrailingCommas = false,
    };

    internal static Refusal Malformed(JsonException exception)
    {
        if (exception.Message.StartsWith(NoToken, StringComparison.Ordinal)) return Refusal.Invalid("There is no JSON in the body.");
        var end = exception.Message.IndexOf(PlaceInMessage, StringComparison.Ordinal);
        var what = (end < 0 ? exception.Message : exception.Message[..end]).Replace(ForProgrammers, "", StringComparison.Ordinal);
        return Refusal.Invalid($"The JSON is malformed at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}: {what}");
    }

    /// <summary>Reads over the value the reader stands on, to its end; null when it keeps the rules.</summary>
    internal static Refusal? CheckValue(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray)) return CheckToken(ref reader);

        using var names = SeenNames.Rent();
        var depth = reader.CurrentDepth;
        do
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    names.Enter();
                    break;
                case JsonTokenType.EndObject:
                    names.Leave();
                    break;
                case JsonTokenType.PropertyName:
                    if (CheckToken(ref reader) is { } badName) return badName;
                    if (!names.Add(ref reader)) return Refusal.Invalid($"The member '{Name(ref reader)}' of 'data' is there twice.");
                    break;
                default:
                    if (CheckToken(ref reader) is { } bad) return bad;
                    break;
            }
        }
        while (reader.Read() && reader.CurrentDepth > depth);

        return null;
    }

    /// <summary>The property name the reader stands on, short enough for a message.</summary>
    internal static string Name(ref Utf8JsonReader reader)
    {
        if (reader.ValueIsEscaped && HasUnpairedSurrogate(reader.ValueSpan)) return "?";
        var name = reader.GetString()!;
        if (name.Length <= LongestNameShown) return name;
        var end = char.IsHighSurrogate(name[LongestNameShown - 1]) ? LongestNameShown - 1 : LongestNameShown;
        return name[..end] + "…";
    }

    /// <summary>
    /// Whether a string's raw text escapes half of a surrogate pair. <see cref="Utf8JsonReader.GetString"/> throws on
    /// one, and so would every reader of what we stored.
    /// </summary>
    internal static bool HasUnpairedSurrogate(ReadOnlySpan<byte> raw)
    {
        while (true)
        {
            var at = raw.IndexOf((byte)'\\');
            if (at < 0) return false;
            var unit = CodeUnit(raw[at..]);
            if (unit < 0)
            {
                raw = raw[(at + 2)..];
                continue;
            }

            raw = raw[(at + 2 + HexDigits)..];
            if (!char.IsSurrogate((char)unit)) continue;
            var next = CodeUnit(raw);
            if (!char.IsHighSurrogate((char)unit) || next < 0 || !char.IsLowSurrogate((char)next)) return true;
            raw = raw[(2 + HexDigits)..];
        }
    }

    // The reader has checked the syntax of escapes: after \u come four hexadecimal digits.
    private static int CodeUnit(ReadOnlySpan<byte> raw) =>
        raw.StartsWith("\\u"u8) && Utf8Parser.TryParse(raw.Slice(2, HexDigits), out ushort unit, out var used, 'x') && used == HexDigits
            ? unit
            : -1;

    private static Refusal? CheckToken(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String or JsonTokenType.PropertyName when reader.ValueIsEscaped && HasUnpairedSurrogate(reader.ValueSpan) =>
            Refusal.Invalid("'data' has an unpaired surrogate: \\uD800 to \\uDBFF is followed by \\uDC00 to \\uDFFF."),
        JsonTokenType.Number when !IsFinite(ref reader) =>
            Refusal.Invalid("'data' has a number outside a double's range; send it as a string."),
        _ => null,
    };

    private static bool IsFinite(ref Utf8JsonReader reader) =>
        (reader.ValueSpan.Length < SurelyFiniteLength && !reader.ValueSpan.ContainsAny((byte)'e', (byte)'E'))
        || (reader.TryGetDouble(out var value) && double.IsFinite(value));
}
