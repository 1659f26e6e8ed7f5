using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Notify.Contracts.Publishing;
using Notify.Contracts.Wire;

namespace Notify.Client.Publishing;

/// <summary>One request of a batch: its JSON, and how many notifications it has.</summary>
/// <param name="Body"><c>{ "notifications": […] }</c></param>
/// <param name="Count">How many.</param>
/// <param name="Repeatable">False where one of them is ephemeral.</param>
internal sealed record BatchPart(ReadOnlyMemory<byte> Body, int Count, bool Repeatable);

/// <summary>Cuts a batch into requests of a bounded size, in its order.</summary>
internal static class BatchParts
{
    private static readonly JsonTypeInfo<PublishRequest> Item = (JsonTypeInfo<PublishRequest>)NotifyJson.Options.GetTypeInfo(typeof(PublishRequest));

    public static IEnumerable<BatchPart> Of(IEnumerable<PublishRequest> notifications, int maxCount, int maxBytes)
    {
        var body = new MemoryStream();
        var (count, repeatable) = (0, true);
        foreach (var notification in notifications)
        {
            var item = JsonSerializer.SerializeToUtf8Bytes(notification, Item);
            if (count == maxCount || (count > 0 && body.Length + item.Length + End.Length + 1 > maxBytes))
            {
                yield return Part();
                (body, count, repeatable) = (new MemoryStream(), 0, true);
            }

            if (count++ == 0) body.Write(Begin, 0, Begin.Length);
            else body.WriteByte((byte)',');
            body.Write(item, 0, item.Length);
            repeatable &= notification.Ephemeral != true;
        }

        // One without any is the service's to refuse.
        if (count == 0) body.Write(Begin, 0, Begin.Length);
        yield return Part();

        BatchPart Part()
        {
            body.Write(End, 0, End.Length);
            return new BatchPart(body.GetBuffer().AsMemory(0, (int)body.Length), count, repeatable);
        }
    }

    private static byte[] Begin { get; } = """{"notifications":["""u8.ToArray();

    private static byte[] End { get; } = "]}"u8.ToArray();
}
