using MessagePack;
using MessagePack.Formatters;
using Notify.Contracts.Hub;
using Notify.Contracts.Publishing;

namespace Notify.Client.MessagePack;

// What a client sends leaves absent values out, as in JSON; the formatters that MessagePack makes from the records
// would write nil for each. They only write: a client never receives these.

/// <summary>Writes <see cref="ResumeRequest"/>.</summary>
internal sealed class ResumeRequestFormatter : IMessagePackFormatter<ResumeRequest>
{
    public void Serialize(ref MessagePackWriter writer, ResumeRequest value, MessagePackSerializerOptions options)
    {
        writer.WriteMapHeader((value.Since is null ? 0 : 1) + (value.Epoch is null ? 0 : 1) + (value.Topics is null ? 0 : 1) + (value.Inbox ? 1 : 0));
        writer.WriteMember("since", value.Since, options);
        writer.WriteMember("epoch", value.Epoch, options);
        writer.WriteMember("topics", value.Topics, options);
        if (value.Inbox) writer.WriteMember("inbox", true, options);
    }

    public ResumeRequest Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) => throw new NotSupportedException();
}

/// <summary>Writes <see cref="PublishRequest"/>.</summary>
internal sealed class PublishRequestFormatter : IMessagePackFormatter<PublishRequest>
{
    public void Serialize(ref MessagePackWriter writer, PublishRequest value, MessagePackSerializerOptions options)
    {
        object?[] members =
        [
            value.Topic, value.Group, value.User, value.Type, value.Title, value.Body, value.Data, value.Priority,
            value.Tags, value.Link, value.TtlSeconds, value.Ephemeral, value.IdempotencyKey,
        ];
        writer.WriteMapHeader(members.Count(member => member is not null));
        writer.WriteMember("topic", value.Topic, options);
        writer.WriteMember("group", value.Group, options);
        writer.WriteMember("user", value.User, options);
        writer.WriteMember("type", value.Type, options);
        writer.WriteMember("title", value.Title, options);
        writer.WriteMember("body", value.Body, options);
        writer.WriteMember("data", value.Data, options);
        writer.WriteMember("priority", value.Priority, options);
        writer.WriteMember("tags", value.Tags, options);
        writer.WriteMember("link", value.Link, options);
        writer.WriteMember("ttlSeconds", value.TtlSeconds, options);
        writer.WriteMember("ephemeral", value.Ephemeral, options);
        writer.WriteMember("idempotencyKey", value.IdempotencyKey, options);
    }

    public PublishRequest Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) => throw new NotSupportedException();
}

internal static class MapWriting
{
    public static void WriteMember<T>(this ref MessagePackWriter writer, string name, T value, MessagePackSerializerOptions options)
    {
        if (value is null) return;
        writer.Write(name);
        MessagePackSerializer.Serialize(ref writer, value, options);
    }
}
