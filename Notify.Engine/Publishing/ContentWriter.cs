using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Notify.Contracts;

namespace Notify.Engine.Publishing;

/// <summary>Writes the content of a log entry. The format is fixed: frames and pages are spliced from it.</summary>
internal static class ContentWriter
{
    private const int InitialBytes = 1024;
    private const int KeptBytes = 256 * 1024; // what a rare huge one grew is not kept

    private static readonly JsonEncodedText Type = JsonEncodedText.Encode("type");
    private static readonly JsonEncodedText Title = JsonEncodedText.Encode("title");
    private static readonly JsonEncodedText Body = JsonEncodedText.Encode("body");
    private static readonly JsonEncodedText Data = JsonEncodedText.Encode("data");
    private static readonly JsonEncodedText Priority = JsonEncodedText.Encode("priority");
    private static readonly JsonEncodedText NormalPriority = JsonEncodedText.Encode(Priorities.Normal);
    private static readonly JsonEncodedText Tags = JsonEncodedText.Encode("tags");
    private static readonly JsonEncodedText Link = JsonEncodedText.Encode("link");
    private static readonly JsonEncodedText Publisher = JsonEncodedText.Encode("publisher");

    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // JSON only, never pasted into HTML by us; half the bytes of the default
        SkipValidation = true,
    };

    private static readonly Slab Contents = new();

    // One of each a thread: a publish needs its content's place and nothing else here.
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _output;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    /// <summary>The content of a request that passed every rule.</summary>
    public static ReadOnlyMemory<byte> Write(scoped in PublishMembers members, string? publisher)
    {
        var output = _output ??= new ArrayBufferWriter<byte>(InitialBytes);
        var writer = _writer ??= new Utf8JsonWriter(output, Options);
        output.ResetWrittenCount();
        writer.Reset();
        WriteObject(writer, members, publisher);
        var content = Contents.Copy(output.WrittenSpan);
        if (output.Capacity > KeptBytes) (_output, _writer) = (null, null);
        return content;
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
