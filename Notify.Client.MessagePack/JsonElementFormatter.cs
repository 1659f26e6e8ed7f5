using System.Text.Json;
using MessagePack;
using MessagePack.Formatters;

namespace Notify.Client.MessagePack;

/// <summary>
/// A notification's <c>data</c> as native MessagePack. Integers of 64 bits stay integers, other numbers become doubles;
/// a number outside a double's range is refused here, since it would travel as Infinity and come back as nothing.
/// </summary>
internal sealed class JsonElementFormatter : IMessagePackFormatter<JsonElement>
{
    public void Serialize(ref MessagePackWriter writer, JsonElement value, MessagePackSerializerOptions options)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteMapHeader(value.GetPropertyCount());
                foreach (var property in value.EnumerateObject())
                {
                    writer.Write(property.Name);
                    Serialize(ref writer, property.Value, options);
                }

                break;
            case JsonValueKind.Array:
                writer.WriteArrayHeader(value.GetArrayLength());
                foreach (var item in value.EnumerateArray()) Serialize(ref writer, item, options);
                break;
            case JsonValueKind.String:
                writer.Write(value.GetString());
                break;
            case JsonValueKind.Number:
                WriteNumber(ref writer, value);
                break;
            case JsonValueKind.True or JsonValueKind.False:
                writer.Write(value.ValueKind == JsonValueKind.True);
                break;
            default:
                writer.WriteNil();
                break;
        }
    }

    public JsonElement Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer)) WriteJson(ref reader, json, options);
        return JsonElement.Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    private static void WriteNumber(ref MessagePackWriter writer, JsonElement value)
    {
        if (value.TryGetInt64(out var signed)) writer.Write(signed);
        else if (value.TryGetUInt64(out var unsigned)) writer.Write(unsigned);
        else if (value.TryGetDouble(out var real) && !double.IsNaN(real) && !double.IsInfinity(real)) writer.Write(real);
        else throw new MessagePackSerializationException($"The number {value.GetRawText()} is outside a double's range.");
    }

    private static void WriteJson(ref MessagePackReader reader, Utf8JsonWriter json, MessagePackSerializerOptions options)
    {
        switch (reader.NextMessagePackType)
        {
            case MessagePackType.Map:
                json.WriteStartObject();
                options.Security.DepthStep(ref reader);
                for (var left = reader.ReadMapHeader(); left > 0; left--)
                {
                    json.WritePropertyName(reader.ReadString() ?? throw new MessagePackSerializationException("A key of 'data' is nil."));
                    WriteJson(ref reader, json, options);
                }

                reader.Depth--;
                json.WriteEndObject();
                break;
            case MessagePackType.Array:
                json.WriteStartArray();
                options.Security.DepthStep(ref reader);
                for (var left = reader.ReadArrayHeader(); left > 0; left--) WriteJson(ref reader, json, options);
                reader.Depth--;
                json.WriteEndArray();
                break;
            case MessagePackType.String:
                json.WriteStringValue(reader.ReadString());
                break;
            case MessagePackType.Integer:
                // Above long.MaxValue there is only the one format, 0xcf: eight unsigned bytes.
                if (reader.NextCode == MessagePackCode.UInt64) json.WriteNumberValue(reader.ReadUInt64());
                else json.WriteNumberValue(reader.ReadInt64());
                break;
            case MessagePackType.Float:
                json.WriteNumberValue(reader.ReadDouble());
                break;
            case MessagePackType.Boolean:
                json.WriteBooleanValue(reader.ReadBoolean());
                break;
            case MessagePackType.Nil:
                reader.ReadNil();
                json.WriteNullValue();
                break;
            default:
                throw new MessagePackSerializationException($"'data' holds a MessagePack {reader.NextMessagePackType}, which JSON has not.");
        }
    }
}
