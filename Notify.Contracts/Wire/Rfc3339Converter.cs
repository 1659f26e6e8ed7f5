using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Notify.Contracts.Wire;

/// <summary>Writes times as the contract has them: RFC 3339, UTC, milliseconds, <c>Z</c>.</summary>
public sealed class Rfc3339Converter : JsonConverter<DateTimeOffset>
{
    /// <summary>The format, for <see cref="DateTimeOffset.ToString(string)"/> on a UTC value.</summary>
    public const string Format = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>The text of a time on the wire.</summary>
    public static string ToText(DateTimeOffset value)
    {
#if NETSTANDARD
        return value.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);
#else
        // Cut from the round-trip format, which has a path of its own in the runtime: custom ones are interpreted.
        Span<char> text = stackalloc char[28];
        value.UtcDateTime.TryFormat(text, out _, "O", CultureInfo.InvariantCulture);
        text[23] = 'Z';
        return new string(text[..24]);
#endif
    }

    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(ToText(value));
}
