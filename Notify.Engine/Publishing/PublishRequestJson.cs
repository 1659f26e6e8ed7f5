using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Notify.Contracts.Publishing;

namespace Notify.Engine.Publishing;

/// <summary>
/// A request that did not come as the JSON of <c>POST /notifications</c> (the hub's record, the plain call's parts),
/// written as that JSON, so that <see cref="PublishRequestReader"/> is the one set of rules.
/// </summary>
internal static class PublishRequestJson
{
    /// <summary>The hub's record.</summary>
    public static ReadOnlyMemory<byte> Write(PublishRequest request) =>
        request.Data is { ValueKind: not JsonValueKind.Undefined } data
            ? Write(request, JsonMarshal.GetRawUtf8Value(data)) // as it was sent: WriteTo would write it anew
            : Write(request, default);

    /// <summary>A record whose data is still raw JSON; empty: none.</summary>
    /// <exception cref="JsonException">The data is not one JSON value.</exception>
    public static ReadOnlyMemory<byte> Write(PublishRequest request, ReadOnlySpan<byte> data)
    {
        var output = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(output, JsonWriting.Options);
        writer.WriteStartObject();
        Text(writer, "topic", request.Topic);
        Text(writer, "group", request.Group);
        Text(writer, "user", request.User);
        Text(writer, "type", request.Type);
        Text(writer, "title", request.Title);
        Text(writer, "body", request.Body);
        if (!data.IsEmpty)
        {
            writer.WritePropertyName("data");
            writer.WriteRawValue(data); // validated here: '1,"user":"bob"' is not one value
        }

        Text(writer, "priority", request.Priority);
        if (request.Tags is { } tags)
        {
            writer.WriteStartArray("tags");
            foreach (var tag in tags) writer.WriteStringValue(tag);
            writer.WriteEndArray();
        }

        Text(writer, "link", request.Link);
        if (request.TtlSeconds is { } ttl) writer.WriteNumber("ttlSeconds", ttl);
        if (request.Ephemeral is { } ephemeral) writer.WriteBoolean("ephemeral", ephemeral);
        Text(writer, "idempotencyKey", request.IdempotencyKey);
        writer.WriteEndObject();
        writer.Flush();
        return output.WrittenMemory;
    }

    private static void Text(Utf8JsonWriter writer, string member, string? value)
    {
        if (value is not null) writer.WriteString(member, value);
    }
}
