using System.Text.Json;
using CsCheck;
using MessagePack;
using Notify.Client.MessagePack;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Publishing;
using Notify.Contracts.Wire;

namespace Notify.Tests.Client;

public class MessagePackShapeTests
{
    private static readonly Gen<string> Scalar = Gen.OneOf<string>(
        Gen.OneOf("null", "true", "false", "{}", "[]", "18446744073709551615", "-9223372036854775808", "1.5E-300"),
        Gen.Long.Select(n => $"{n}"),
        Gen.String.Where(text => !text.Any(char.IsSurrogate)).Select(text => JsonSerializer.Serialize(text)));

    private static readonly Gen<string> Json = Gen.Recursive<string>((depth, inner) => depth > 3
        ? Scalar
        : Gen.OneOf<string>(
            Scalar,
            inner.Array[0, 4].Select(items => $"[{string.Join(',', items)}]"),
            inner.Array[0, 4].Select(items => $"{{{string.Join(',', items.Select((item, i) => $"\"k{i}\":{item}"))}}}")));

    [Fact]
    public void Data_comes_back_as_the_same_JSON() => Json.Sample(text =>
    {
        var data = JsonElement.Parse(text);
        var back = MessagePackSerializer.Deserialize<JsonElement>(MessagePackSerializer.Serialize(data, NotifyMessagePack.Options), NotifyMessagePack.Options);
        Assert.True(JsonElement.DeepEquals(data, back), $"{text} became {back.GetRawText()}");
    });

    [Fact]
    public void A_number_no_double_can_hold_is_refused_and_not_made_infinite() => Assert.Throws<MessagePackSerializationException>(
        () => MessagePackSerializer.Serialize(JsonElement.Parse("1e400"), NotifyMessagePack.Options));

    // What a server writes: a map with the JSON names, absent members left out or nil.
    [Theory]
    [InlineData("""{"version":7,"id":"0198c0de-0000-7000-8000-000000000001","topic":"t","topicSeq":1,"title":"x","data":{"n":1.5},"priority":"high","tags":["a"],"publishedAt":"2026-11-23T05:00:00.123Z","expiresAt":"2026-11-24T05:00:00.123Z"}""")]
    [InlineData("""{"id":"0198c0de-0000-7000-8000-000000000001","topic":"t","title":"x","priority":"normal","publishedAt":"2026-11-23T05:00:00.123Z","ephemeral":true}""")]
    [InlineData("""{"id":"0198c0de-0000-7000-8000-000000000001","version":null,"expiresAt":null,"data":null,"topic":"t","priority":"normal","publishedAt":"2026-11-23T05:00:00.123Z"}""")]
    public void A_notification_is_read_from_a_map_with_the_JSON_names(string json)
    {
        var notification =
            MessagePackSerializer.Deserialize<Notification>(MessagePackSerializer.ConvertFromJson(json,
            cancellationToken: TestContext.Current.CancellationToken), NotifyMessagePack.Options, TestContext.Current.CancellationToken);
        var wanted = JsonSerializer.Serialize(JsonSerializer.Deserialize<Notification>(json, NotifyJson.Options), NotifyJson.Options);
        Assert.Equal(wanted, JsonSerializer.Serialize(notification, NotifyJson.Options));
    }

    [Fact]
    public void Requests_leave_absent_members_out()
    {
        Assert.Equal("""{"since":3,"topics":["a"]}""", ToJson(new ResumeRequest { Since = 3, Topics = ["a"] }));
        Assert.Equal("{}", ToJson(new ResumeRequest()));
        Assert.Equal(
            """{"topic":"t","data":[1,null],"ttlSeconds":60}""",
            ToJson(new PublishRequest { Topic = "t", Data = JsonElement.Parse("[1,null]"), TtlSeconds = 60 }));
    }

    private static string ToJson<T>(T value) =>
        MessagePackSerializer.ConvertToJson(MessagePackSerializer.Serialize(value, NotifyMessagePack.Options));
}
