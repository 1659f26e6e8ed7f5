using System.Text.Json;
using Notify.Contracts;

namespace Notify.Engine.Publishing;

/// <summary>Writes the content of a log entry. The format is fixed: frames and pages are spliced from it.</summary>
internal static class ContentWriter
{
    private static readonly JsonEncodedText Type = JsonEncodedText.Encode("type");
    private static readonly JsonEncodedText Title = JsonEncodedText.Encode("title");
    private static readonly JsonEncodedText Body = JsonEncodedText.Encode("body");
    private static readonly JsonEncodedText Data = JsonEncodedText.Encode("data");
    private static readonly JsonEncodedText Priority = JsonEncodedText.Encode("priority");
    private static readonly JsonEncodedText NormalPriority = JsonEncodedText.Encode(Priorities.Normal);
    private static readonly JsonEncodedText Tags = JsonEncodedText.Encode("tags");
    private static readonly JsonEncodedText Link = JsonEncodedText.Encode("link");
    private static readonly JsonEncodedText Publisher = JsonEncodedText.Encode("publisher");

    private static readonly Slab Contents = new();

    /// <summary>The content of a request that passed every rule.</summary>
    public static ReadOnlyMemory<byte> Write(scoped in PublishMembers members, string? publisher)
    {
        using var buffer = ThreadBuffer.Take(); // a publish needs its content's place and nothing else here
        WriteObject(buffer.Json, members, publisher);
        return Contents.Copy(buffer.Writer.WrittenSpan);
    }

    private static void WriteObject(Utf8JsonWriter writer, scoped in PublishMembers members, string? publisher)
    {
        writer.WriteStartObject();
        members.Type.WriteTo(writer, Type);
        members.Title.WriteTo(writer, Title);
        members.Body.WriteTo(writer, Body);
        if (!members.Data.IsEmpty)
        {
            writer.WritePropertyName(Data);
            writer.WriteRawValue(members.Data, skipInputValidation: true); // as it was sent, whitespace and all
        }

        if (members.Priority.IsPresent) members.Priority.WriteTo(writer, Priority);
        else writer.WriteString(Priority, NormalPriority);
        if (members.Tags is { Count: > 0 } tags) WriteTags(writer, tags);
        members.Link.WriteTo(writer, Link);
        if (publisher is not null) writer.WriteString(Publisher, publisher);
        writer.WriteEndObject();
        writer.Flush();
    }

    private static void WriteTags(Utf8JsonWriter writer, List<string> tags)
    {
        writer.WriteStartArray(Tags);
        foreach (var tag in tags) writer.WriteStringValue(tag);
        writer.WriteEndArray();
    }
}
