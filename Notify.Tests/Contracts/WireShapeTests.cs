using System.Reflection;
using System.Runtime.Serialization;
using System.Text.Json;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Publishing;
using Notify.Contracts.Wire;
using Notify.Engine.Publishing;

namespace Notify.Tests.Contracts;

public class WireShapeTests
{
    private static readonly Guid Id = Guid.Parse("0198c0de-0000-7000-8000-000000000001");
    private static readonly DateTimeOffset At = new(2026, 11, 23, 6, 0, 0, 123, TimeSpan.FromHours(1));

    [Fact]
    public void A_notification_looks_as_the_contract_prints_it()
    {
        var notification = new Notification
        {
            Version = 1042,
            Id = Id,
            Topic = "orders/eu/42",
            TopicSeq = 17,
            Type = "order.created",
            Title = "Größe <b>",
            Body = "Two items, paid",
            Data = JsonElement.Parse("""{"total":31.50}"""),
            Tags = ["eu"],
            Link = "https://shop.example/orders/42",
            Publisher = "billing",
            PublishedAt = At,
            ExpiresAt = At.AddDays(1),
        };
        Assert.Equal(
            """{"version":1042,"id":"0198c0de-0000-7000-8000-000000000001","topic":"orders/eu/42","topicSeq":17,"type":"order.created","title":"Größe <b>","body":"Two items, paid","data":{"total":31.50},"priority":"normal","tags":["eu"],"link":"https://shop.example/orders/42","publisher":"billing","publishedAt":"2026-11-23T05:00:00.123Z","expiresAt":"2026-11-24T05:00:00.123Z"}""",
            JsonSerializer.Serialize(notification, NotifyJson.Options));
    }

    [Fact]
    public void What_is_absent_is_left_out() => Assert.Equal(
        """{"id":"0198c0de-0000-7000-8000-000000000001","topic":"t","title":"now","priority":"low","publishedAt":"2026-11-23T05:00:00.123Z","ephemeral":true}""",
        JsonSerializer.Serialize(new Notification { Id = Id, Topic = "t", Title = "now", Priority = "low", PublishedAt = At, Ephemeral = true },
            NotifyJson.Options));

    [Fact]
    public void Hub_records_look_as_the_contract_prints_them()
    {
        Assert.Equal("""{"since":3,"topics":["orders/#"]}""", Json(new ResumeRequest { Since = 3, Topics = ["orders/#"] }));
        Assert.Equal("""{"head":9,"epoch":"e","since":3,"topics":["a"]}""", Json(new ResumeResult(9, "e", 3, ["a"])));
        Assert.Equal("""{"head":9,"epoch":"e"}""", Json(new CaughtUp(9, "e")));
        Assert.Equal("""{"version":9,"epoch":"e"}""", Json(new Progress(9, "e")));
        Assert.Equal("""{"since":1,"oldest":5,"head":9,"epoch":"e","reason":"retention"}""", Json(new Gap(1, 5, 9, "e", GapReasons.Retention)));
        Assert.Equal("""{"title":"t","idempotencyKey":"k"}""", Json(new PublishRequest { Title = "t", IdempotencyKey = "k" }));
    }

    [Theory]
    [InlineData("""{"topic":"t","titel":"x"}""")]
    [InlineData("""{"topic":"t","title":"x","title":"y"}""")]
    [InlineData("""{"topic":"t","Title":"x"}""")]
    public void A_servers_reader_refuses_unknown_and_duplicate_members_and_other_case(string json)
    {
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<PublishRequest>(json, NotifyJson.StrictOptions));
        Assert.NotNull(JsonSerializer.Deserialize<PublishRequest>(json, NotifyJson.Options));
    }

    [Fact]
    public void Data_is_kept_as_it_was_sent()
    {
        const string json = """{"data":{"n":123456789012345678901234567890,"e":1e2,"z":1.50}}""";
        Assert.Equal(json, Json(JsonSerializer.Deserialize<PublishRequest>(json, NotifyJson.StrictOptions)));
    }

    [Fact]
    public void The_shared_options_cannot_be_changed()
    {
        Assert.True(NotifyJson.Options.IsReadOnly);
        Assert.True(NotifyJson.StrictOptions.IsReadOnly);
    }

    // JSON takes its names from the camelCase policy and MessagePack from DataMember: a rename must change both.
    [Fact]
    public void MessagePack_keys_are_the_JSON_names()
    {
        var records = typeof(Notification).Assembly.GetTypes().Where(t => t.IsDefined(typeof(DataContractAttribute))).ToList();
        Assert.True(records.Count >= 14);
        foreach (var property in records.SelectMany(t => t.GetProperties(BindingFlags.Public | BindingFlags.Instance)))
            Assert.Equal(JsonNamingPolicy.CamelCase.ConvertName(property.Name), property.GetCustomAttribute<DataMemberAttribute>()?.Name);
    }

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, NotifyJson.Options);
}
