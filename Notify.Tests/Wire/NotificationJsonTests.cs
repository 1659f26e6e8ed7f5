using System.Buffers;
using System.Text;
using Notify.Server.Wire;
using Notify.Storage.Log;

namespace Notify.Tests.Wire;

public class NotificationJsonTests
{
    private static readonly LogEntry Entry = new()
    {
        Version = 1042,
        Id = Guid.Parse("0198c0de-0000-7000-8000-000000000001"),
        Topic = "orders/eu/42",
        TopicSeq = 17,
        PublishedAt = new DateTimeOffset(2026, 11, 23, 7, 0, 0, 123, TimeSpan.FromHours(2)).AddTicks(4567),
        Content = """{"title":"Order 42","data":{ "total": 31.5 },"priority":"normal"}"""u8.ToArray(),
    };

    private static string Json(LogEntry entry)
    {
        var output = new ArrayBufferWriter<byte>();
        NotificationJson.Write(output, entry);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    [Fact]
    public void A_stored_entry_has_its_members_around_its_content() => Assert.Equal(
        """{"version":1042,"id":"0198c0de-0000-7000-8000-000000000001","topic":"orders/eu/42","topicSeq":17,"title":"Order 42","data":{ "total": 31.5 },"priority":"normal","publishedAt":"2026-11-23T05:00:00.123Z"}""",
        Json(Entry));

    [Fact]
    public void An_expiring_entry_says_when() => Assert.EndsWith(
        ""","publishedAt":"2026-11-23T05:00:00.123Z","expiresAt":"2026-11-23T05:01:00.123Z"}""",
        Json(Entry with { ExpiresAt = Entry.PublishedAt.AddMinutes(1) }));

    [Fact]
    public void An_ephemeral_entry_has_neither_version_nor_sequence() => Assert.Equal(
        """{"id":"0198c0de-0000-7000-8000-000000000001","topic":"orders/eu/42","title":"Order 42","data":{ "total": 31.5 },"priority":"normal","publishedAt":"2026-11-23T05:00:00.123Z","ephemeral":true}""",
        Json(Entry with { Version = 0, TopicSeq = 0 }));

    [Theory]
    [InlineData("a\"b\\c", "a\\\"b\\\\c")]
    [InlineData("straße/日本", "straße/日本")]
    [InlineData("party/🎉", "party/\\uD83C\\uDF89")]
    [InlineData("\"\"\"\"", "\\\"\\\"\\\"\\\"")]
    public void A_topic_is_escaped_as_JSON(string topic, string escaped)
    {
        var json = Json(Entry with { Topic = topic });
        using var parsed = System.Text.Json.JsonDocument.Parse(json);
        Assert.Equal(topic, parsed.RootElement.GetProperty("topic").GetString());
        Assert.Contains($"\"topic\":\"{escaped}\"", json, StringComparison.Ordinal);
    }

    [Fact]
    public void The_longest_topic_fits_although_every_character_is_escaped()
    {
        var topic = new string('\u2028', 170);
        using var parsed = System.Text.Json.JsonDocument.Parse(Json(Entry with { Topic = topic }));
        Assert.Equal(topic, parsed.RootElement.GetProperty("topic").GetString());
    }
}
