using System.Net.Http.Headers;
using System.Text;
using Notify.Contracts;

namespace Notify.Tests.Api;

public class PublishCallTests
{
    private const string Notifications = "/api/v1/notifications";
    private const string Batch = "/api/v1/notifications/batch";
    private const string Order = """{"topic":"orders/42","title":"Order 42"}""";

    [Fact]
    public async Task A_publish_answers_201_with_its_place_and_can_be_read_there()
    {
        await using var host = await ApiHost.StartAsync();
        var answer = await host.PostAsync(Notifications, """{"topic":"orders/42","data":{ "total": 31.5 },"ttlSeconds":60}""");
        Assert.Equal((201, 1L, "orders/42"), (answer.Status, answer.Json.GetProperty("version").GetInt64(), answer.Json.GetProperty("topic").GetString()));
        Assert.Matches("^[0-9-]{10}T[0-9:]{8}[.][0-9]{3}Z$", answer.Json.GetProperty("publishedAt").GetString());
        Assert.Equal($"{Notifications}/{answer.Json.GetProperty("id").GetString()}", answer.Header("Location"));
        Assert.Null(answer.Header("Server"));

        var read = await host.GetAsync(answer.Header("Location")!);
        Assert.Equal(200, read.Status);
        Assert.Contains("\"topicSeq\":1,\"data\":{ \"total\": 31.5 },\"priority\":\"normal\",\"publishedAt\":", read.Text, StringComparison.Ordinal);
        Assert.True(read.Json.TryGetProperty("expiresAt", out _));
    }

    [Fact]
    public async Task An_ephemeral_publish_answers_202_without_a_version()
    {
        await using var host = await ApiHost.StartAsync();
        var answer = await host.PostAsync(Notifications, """{"topic":"a","title":"x","ephemeral":true}""");
        Assert.Equal(202, answer.Status);
        Assert.Equal(["id", "topic", "publishedAt"], answer.Json.EnumerateObject().Select(member => member.Name));
        Assert.Single(host.HandedOver.EphemeralOnes);
    }

    [Fact]
    public async Task In_Development_the_query_names_the_publisher()
    {
        await using var host = await ApiHost.StartAsync();
        await host.PostAsync(Notifications + "?user=alice&device=phone", Order);
        Assert.EndsWith("""
            "publisher":"alice"}
            """, Encoding.UTF8.GetString(host.Log.Entries[0].Content.Span), StringComparison.Ordinal);
        (await host.PostAsync(Notifications + "?user=a%2Fb", Order)).IsProblem(400, ErrorCodes.InvalidRequest);
        (await host.PostAsync(Notifications + "?user=a&user=b", Order)).IsProblem(400, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Outside_Development_the_query_names_no_user()
    {
        await using var host = await ApiHost.StartAsync("Production", null, ("Notify:Auth:AllowAnonymous", "true"));
        Assert.Equal(201, (await host.PostAsync(Notifications, Order)).Status);
        (await host.PostAsync(Notifications + "?user=alice", Order)).IsProblem(400, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task A_repeat_under_its_key_gets_the_first_answer_and_another_body_a_conflict()
    {
        await using var host = await ApiHost.StartAsync();
        var key = ("Idempotency-Key", "k1");
        var first = await host.PostAsync(Notifications, Order, key);
        var repeat = await host.PostAsync(Notifications, Order, key);
        Assert.Equal((200, first.Text, "true"), (repeat.Status, repeat.Text, repeat.Header("Idempotency-Replayed")));
        (await host.PostAsync(Notifications, Order + " ", key)).IsProblem(409, ErrorCodes.IdempotencyConflict);
        (await host.PostAsync("/api/v1/topics/orders/42", "{}", key)).IsProblem(409, ErrorCodes.IdempotencyConflict);
        Assert.Equal(201, (await host.PostAsync(Notifications + "?user=bob", Order, key)).Status);
    }

    [Fact]
    public async Task Header_and_member_are_one_key_and_may_not_differ()
    {
        await using var host = await ApiHost.StartAsync();
        const string Keyed = """{"topic":"a","title":"x","idempotencyKey":"k"}""";
        Assert.Equal(201, (await host.PostAsync(Notifications, Keyed)).Status);
        Assert.Equal(200, (await host.PostAsync(Notifications, Keyed, ("Idempotency-Key", "k"))).Status);
        (await host.PostAsync(Notifications, Keyed, ("Idempotency-Key", "other"))).IsProblem(400, ErrorCodes.InvalidRequest);
        (await host.PostAsync(Notifications, Order, ("Idempotency-Key", new string('k', 256)))).IsProblem(400, ErrorCodes.InvalidRequest);
        (await host.PostAsync(Notifications, """{"topic":"a","title":"x","ephemeral":true}""", ("Idempotency-Key", "e"))).IsProblem(400, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task A_batch_stores_the_valid_ones_together_and_answers_each_in_order()
    {
        await using var host = await ApiHost.StartAsync();
        var answer = await host.PostAsync(Batch, """{"notifications":[{"topic":"a","title":"1"},{"topic":"#","title":"2"},7,{"topic":"b","title":"3","ephemeral":true},{"topic":"c","title":"4"}]}""");
        Assert.Equal(200, answer.Status);
        var results = answer.Json.GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal([201, 400, 400, 202, 201], Statuses(answer));
        Assert.Equal([1L, 2L], new[] { results[0], results[4] }.Select(result => result.GetProperty("version").GetInt64()));
        Assert.Equal(ErrorCodes.InvalidTopic, results[1].GetProperty("code").GetString());
        Assert.Single(host.Log.Batches);
    }

    [Fact]
    public async Task A_batch_header_stands_for_its_items_in_a_namespace_of_their_own()
    {
        await using var host = await ApiHost.StartAsync();
        const string Two = """{"notifications":[{"topic":"a","title":"1"},{"topic":"b","title":"2"}]}""";
        Assert.Equal(201, (await host.PostAsync(Notifications, Order, ("Idempotency-Key", "k#0"))).Status);
        Assert.Equal([201, 201], Statuses(await host.PostAsync(Batch, Two, ("Idempotency-Key", "k"))));
        Assert.Equal([200, 200], Statuses(await host.PostAsync(Batch, Two, ("Idempotency-Key", "k"))));
        Assert.Equal(3, host.Log.Entries.Count);
        var own = await host.PostAsync(Batch, """{"notifications":[{"topic":"a","title":"1","idempotencyKey":"x"}]}""", ("Idempotency-Key", "k2"));
        Assert.Equal(400, own.Json.GetProperty("results")[0].GetProperty("status").GetInt32());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"notifications":[]}""")]
    [InlineData("""{"notifications":{}}""")]
    [InlineData("""{"notifications":[{"topic":"a","title":"x"}],"notifications":[]}""")]
    [InlineData("""{"notifications":[{"topic":"a","title":"x"}],"all":true}""")]
    [InlineData("""{"notifications":[{"topic":"a","title":"x"]}""")]
    [InlineData("""{"notifications":[1,2,3]}""")]
    public async Task A_batch_that_is_none_is_refused_as_a_whole(string json)
    {
        await using var host = await ApiHost.StartAsync(settings: [("Notify:Limits:BatchSize", "2")]);
        (await host.PostAsync(Batch, json)).IsProblem(400, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Curl_with_its_default_content_type_publishes_text()
    {
        await using var host = await ApiHost.StartAsync();
        using var body = new StringContent("Backup done", new MediaTypeHeaderValue("application/x-www-form-urlencoded"));
        var answer =
            await host.SendAsync(HttpMethod.Post, "/api/v1/topics/backups?priority=high&tags=eu,%20nightly", body, ("X-Title", "Größe"),
            ("X-TtlSeconds", "60"));
        Assert.Equal((201, "backups"), (answer.Status, answer.Json.GetProperty("topic").GetString()));
        Assert.Equal("""{"title":"Größe","body":"Backup done","priority":"high","tags":["eu","nightly"]}""", Encoding.UTF8.GetString(host.Log.Entries[0].Content.Span));
        Assert.NotNull(host.Log.Entries[0].ExpiresAt);
    }

    [Fact]
    public async Task JSON_to_a_topic_is_data_and_cannot_become_more()
    {
        await using var host = await ApiHost.StartAsync();
        Assert.Equal(201, (await host.PostAsync("/api/v1/topics/a", """{ "n": 1.0 }""")).Status);
        Assert.Equal("""{"data":{ "n": 1.0 },"priority":"normal"}""", Encoding.UTF8.GetString(host.Log.Entries[0].Content.Span));
        (await host.PostAsync("/api/v1/topics/a", """1,"priority":"urgent" """)).IsProblem(400, ErrorCodes.InvalidRequest);
        (await host.PostAsync("/api/v1/topics/a", """{"a":1,"a":2}""")).IsProblem(400, ErrorCodes.InvalidRequest);
        (await host.PostAsync("/api/v1/topics/a", "")).IsProblem(400, ErrorCodes.InvalidRequest);
    }

    [Theory]
    [InlineData("a/b", "a/b")]
    [InlineData("a%2Fb", "a/b")]
    [InlineData("a%252Fb", "a%2Fb")]
    [InlineData("a%20b/%C3%A9", "a b/é")]
    [InlineData("a//b", "a//b")]
    [InlineData("a/", "a/")]
    [InlineData("/a", "/a")]
    [InlineData("..%2Fa", "../a")]
    public async Task A_topic_in_the_path_is_decoded_once(string path, string topic)
    {
        await using var host = await ApiHost.StartAsync();
        var answer = await host.PostAsync($"/api/v1/topics/{path}?title=x", "1");
        Assert.Equal((201, topic), (answer.Status, answer.Status == 201 ? answer.Json.GetProperty("topic").GetString() : answer.Text));
    }

    [Theory]
    [InlineData("a%FF", ErrorCodes.InvalidTopic)]
    [InlineData("a%2B", ErrorCodes.InvalidTopic)]
    [InlineData("%24user/bob", ErrorCodes.InvalidTopic)]
    [InlineData("", ErrorCodes.InvalidTopic)]
    [InlineData("a?colour=red", ErrorCodes.InvalidRequest)]
    [InlineData("a?ttlSeconds=soon", ErrorCodes.InvalidRequest)]
    [InlineData("a?title=x&title=y", ErrorCodes.InvalidRequest)]
    public async Task A_topic_call_that_is_wrong_says_so(string target, string code)
    {
        await using var host = await ApiHost.StartAsync();
        (await host.PostAsync("/api/v1/topics/" + target, "1")).IsProblem(400, code);
    }

    private static IEnumerable<int> Statuses(ApiHost.Answer batch) =>
        batch.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetInt32());
}
