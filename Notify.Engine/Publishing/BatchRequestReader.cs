using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;

namespace Notify.Engine.Publishing;

/// <summary>Finds the notifications of <c>{ "notifications": [ … ] }</c>; what each says is read on its own.</summary>
internal static class BatchRequestReader
{
    // Far above an item's own limit, so that one item that is too deep is refused alone.
    private const int MaxDepth = 1000;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };
    private static readonly Refusal BadShape = Refusal.Invalid("A batch is a JSON object with the one member 'notifications', an array.");

    /// <summary>The place of each notification in <paramref name="json"/>, in order; 1 to <paramref name="maxItems"/> of them.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> json,
        int maxItems,
        [NotNullWhen(true)] out List<Range>? items,
        [NotNullWhen(false)] out Refusal? refusal)
    {
        items = null;
        try
        {
            refusal = Utf8.IsValid(json) ? Read(json, maxItems, out items) : Refusal.Invalid("The request is not valid UTF-8.");
        }
        catch (JsonException malformed)
        {
            refusal = StrictJson.Malformed(malformed);
        }

        if (refusal is not null) items = null;
        return refusal is null;
    }

    private static Refusal? Read(ReadOnlySpan<byte> json, int maxItems, out List<Range>? items)
    {
        items = null;
        var reader = new Utf8JsonReader(json, Options);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return BadShape;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!reader.ValueTextEquals("notifications"u8))
                return Refusal.Invalid($"The member '{StrictJson.Name(ref reader)}' is unknown. A batch has 'notifications'.");
            if (items is not null) return Refusal.Invalid("The member 'notifications' is there twice.");
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartArray) return BadShape;
            items = [];
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                if (items.Count == maxItems) return Count(maxItems);
                items.Add(start..(int)reader.BytesConsumed);
            }
        }

        reader.Read(); // throws when something follows the object
        if (items is null) return BadShape;
        return items.Count == 0 ? Count(maxItems) : null;
    }

    private static Refusal Count(int maxItems) => Refusal.Invalid($"A batch has 1 to {maxItems} notifications.");
}
