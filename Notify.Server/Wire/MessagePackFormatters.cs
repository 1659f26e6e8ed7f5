using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using MessagePack;
using MessagePack.Formatters;
using Notify.Contracts.Publishing;
using Notify.Contracts.Wire;
using Notify.Engine.Publishing;

namespace Notify.Server.Wire;

/// <summary>JSON as native MessagePack and back: the log and the link between nodes keep JSON.</summary>
internal sealed class JsonElementFormatter : IMessagePackFormatter<JsonElement>
{
    public static readonly JsonElementFormatter Instance = new();

    public JsonElement Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output, JsonWriting.Options)) Copy(ref reader, json, options.Security);
        var parsed = new Utf8JsonReader(output.WrittenSpan);
        return JsonElement.ParseValue(ref parsed);
    }

    public void Serialize(ref MessagePackWriter writer, JsonElement value, MessagePackSerializerOptions options) =>
        Write(ref writer, value);

    internal static void Write(ref MessagePackWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteMapHeader(value.GetPropertyCount());
                foreach (var member in value.EnumerateObject())
                {
                    writer.Write(member.Name);
                    Write(ref writer, member.Value);
                }

                break;
            case JsonValueKind.Array:
                writer.WriteArrayHeader(value.GetArrayLength());
                foreach (var item in value.EnumerateArray()) Write(ref writer, item);
                break;
            case JsonValueKind.String:
                writer.Write(value.GetString());
                break;
            case JsonValueKind.Number:
                if (value.TryGetInt64(out var signed)) writer.Write(signed);
                else if (value.TryGetUInt64(out var unsigned)) writer.Write(unsigned);
                else writer.Write(value.GetDouble());
                break;
            case JsonValueKind.True or JsonValueKind.False:
                writer.Write(value.GetBoolean());
                break;
            default:
                writer.WriteNil();
                break;
        }
    }

    private static void Copy(ref MessagePackReader reader, Utf8JsonWriter json, MessagePackSecurity security)
    {
        switch (reader.NextMessagePackType)
        {
            case MessagePackType.Nil:
                reader.ReadNil();
                json.WriteNullValue();
                break;
            case MessagePackType.Boolean:
                json.WriteBooleanValue(reader.ReadBoolean());
                break;
            case MessagePackType.Integer:
                if (reader.NextCode == MessagePackCode.UInt64) json.WriteNumberValue(reader.ReadUInt64());
                else json.WriteNumberValue(reader.ReadInt64());
                break;
            case MessagePackType.Float:
                json.WriteNumberValue(reader.ReadDouble()); // refuses NaN and infinities: JSON has none
                break;
            case MessagePackType.String:
                json.WriteStringValue(StrictStringFormatter.Read(ref reader));
                break;
            case MessagePackType.Array:
                security.DepthStep(ref reader);
                json.WriteStartArray();
                for (var left = reader.ReadArrayHeader(); left > 0; left--) Copy(ref reader, json, security);
                json.WriteEndArray();
                reader.Depth--;
                break;
            case MessagePackType.Map:
                security.DepthStep(ref reader);
                json.WriteStartObject();
                for (var left = reader.ReadMapHeader(); left > 0; left--)
                {
                    json.WritePropertyName(StrictStringFormatter.Read(ref reader) ?? throw new MessagePackSerializationException("A key in data is a string."));
                    Copy(ref reader, json, security);
                }

                json.WriteEndObject();
                reader.Depth--;
                break;
            default:
                throw new MessagePackSerializationException("Binary and extension values have no JSON form: send them as strings.");
        }
    }
}

/// <summary>
/// Text is UTF-8 or refused. MessagePack itself would put replacement characters in place of what is not (JavaScript
/// clients send half a surrogate pair so), and a filter or topic would silently be another one.
/// </summary>
internal sealed class StrictStringFormatter : IMessagePackFormatter<string?>
{
    public static readonly StrictStringFormatter Instance = new();

    public string? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) => Read(ref reader);

    public void Serialize(ref MessagePackWriter writer, string? value, MessagePackSerializerOptions options) => writer.Write(value);

    internal static string? Read(ref MessagePackReader reader)
    {
        if (reader.ReadStringSequence() is not { } utf8) return null;
        var bytes = utf8.IsSingleSegment ? utf8.FirstSpan : utf8.ToArray();
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw new MessagePackSerializationException("A text is not valid UTF-8.");
    }
}

internal sealed class NullableJsonElementFormatter : IMessagePackFormatter<JsonElement?>
{
    public static readonly NullableJsonElementFormatter Instance = new();

    public JsonElement? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
        JsonElementFormatter.Instance.Deserialize(ref reader, options) is { ValueKind: not JsonValueKind.Null } value ? value : null;

    public void Serialize(ref MessagePackWriter writer, JsonElement? value, MessagePackSerializerOptions options) =>
        JsonElementFormatter.Instance.Serialize(ref writer, value.GetValueOrDefault(), options);
}

/// <summary>Times are strings on the wire, in MessagePack too.</summary>
internal sealed class TimeFormatter : IMessagePackFormatter<DateTimeOffset>
{
    public static readonly TimeFormatter Instance = new();

    public DateTimeOffset Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
        DateTimeOffset.Parse(reader.ReadString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    public void Serialize(ref MessagePackWriter writer, DateTimeOffset value, MessagePackSerializerOptions options) =>
        writer.Write(Rfc3339Converter.ToText(value));
}

/// <summary>By hand, because an ephemeral one has no version, and what is absent is left out.</summary>
internal sealed class PublishResultFormatter : IMessagePackFormatter<PublishResult?>
{
    public static readonly PublishResultFormatter Instance = new();

    public PublishResult? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
        throw new NotSupportedException("Only the server gives this answer.");

    public void Serialize(ref MessagePackWriter writer, PublishResult? value, MessagePackSerializerOptions options)
    {
        if (value is null)
        {
            writer.WriteNil();
            return;
        }

        writer.WriteMapHeader(value.Version is null ? 3 : 4);
        writer.WriteString("id"u8);
        writer.Write(value.Id.ToString());
        if (value.Version is { } version)
        {
            writer.WriteString("version"u8);
            writer.Write(version);
        }

        writer.WriteString("topic"u8);
        writer.Write(value.Topic);
        writer.WriteString("publishedAt"u8);
        writer.Write(Rfc3339Converter.ToText(value.PublishedAt));
    }
}

/// <summary>
/// Writes a record by its JSON form: what is absent is left out, which MessagePack's own formatters write as nil. For what is written
/// seldom.
/// </summary>
internal sealed class ThroughJsonFormatter<T> : IMessagePackFormatter<T?>
{
    public T? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) => throw new NotSupportedException("Only the server sends this.");

    public void Serialize(ref MessagePackWriter writer, T? value, MessagePackSerializerOptions options) =>
        JsonElementFormatter.Write(ref writer, JsonSerializer.SerializeToElement(value, NotifyJson.Options));
}
