using System.Net.Http.Headers;
using System.Text;
using Notify.Contracts;

namespace Notify.Tests.Api;

/// <summary>What common clients send without meaning anything by it, and what must not be taken for something else.</summary>
public class SmallHttpTests
{
    private const string Notifications = "/api/v1/notifications";
    private static readonly byte[] Mark = [0xEF, 0xBB, 0xBF];

    [Theory]
    [InlineData("orders/+/paid", "orders/7/paid")]
    [InlineData("+/7/paid", "orders/7/paid")]
    [InlineData("orders%2F+%2Fpaid", "orders/7/paid")]
    [InlineData("orders/%2B/paid", "orders/7/paid")]
    [InlineData("orders/7/+", "orders/7/paid")]
    [InlineData("orders/a+b/paid", "orders/a b/paid")]
    [InlineData("orders/%20/paid", "orders/ /paid")]
    [InlineData("orders/%252B/paid", "orders/%2B/paid")]
    public async Task A_plus_that_is_a_whole_segment_of_a_filter_is_the_wildcard_and_elsewhere_a_space(string filter, string matched)
    {
        await using var host = await ApiHost.StartAsync();
        foreach (var topic in new[] { "orders/7/paid", "orders/a b/paid", "orders/ /paid", "orders/%2B/paid" })
            Assert.Equal(201, (await host.PostAsync(Notifications, $$"""{"topic":"{{topic}}","title":"x"}""")).Status);

        var answer = await host.GetAsync($"{Notifications}?limit=1000&filter={filter}&filter=none");
        Assert.True(answer.Status == 200, answer.Text);
        var topics = answer.Json.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("topic").GetString());
        Assert.Contains(matched, topics);
        if (matched != "orders/7/paid") Assert.Single(topics); // not as a wildcard
    }

    [Theory]
    [InlineData(Notifications, """{"topic":"a","body":"x"}""", "application/json")]
    [InlineData(Notifications + "/batch", """{"notifications":[{"topic":"a","body":"x"}]}""", "application/json")]
    [InlineData("/api/v1/topics/a", """{"n":1}""", "application/json")]
    [InlineData("/api/v1/topics/a", "x", "text/plain")]
    public async Task A_byte_order_mark_is_no_part_of_a_body(string target, string body, string type)
    {
        await using var host = await ApiHost.StartAsync();
        foreach (var bytes in new[] { Encoding.UTF8.GetBytes(body), [.. Mark, .. Encoding.UTF8.GetBytes(body)] })
        {
            using var content = new ByteArrayContent(bytes);
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
            var answer = await host.SendAsync(HttpMethod.Post, target, content);
            Assert.True(answer.Status is 200 or 201 && !answer.Text.Contains("detail", StringComparison.Ordinal), answer.Text);
        }

        Assert.Equal(host.Log.Entries[0].Content.ToArray(), host.Log.Entries[1].Content.ToArray());
    }

    [Theory]
    [InlineData("application/json; charset=utf8")]
    [InlineData("application/json;charset=UTF8")]
    [InlineData("application/json; charset=\"utf8\"")]
    [InlineData("application/json; charset=UTF-8")]
    [InlineData("text/plain; charset=utf8")]
    public async Task UTF8_has_a_second_name(string type)
    {
        await using var host = await ApiHost.StartAsync();
        using var body = new ByteArrayContent("1"u8.ToArray());
        body.Headers.TryAddWithoutValidation("Content-Type", type);
        body.Headers.ContentEncoding.Add("identity");
        Assert.Equal(201, (await host.SendAsync(HttpMethod.Post, "/api/v1/topics/a", body)).Status);
    }

    [Theory]
    [InlineData("?tags=", null, null)]
    [InlineData("?tags=,%20,", null, null)]
    [InlineData("?tags=a,,%20b,", null, """["a","b"]""")]
    [InlineData("", "a,b,", """["a","b"]""")]
    [InlineData("", "", null)]
    public async Task Tags_of_nothing_are_no_tags(string query, string? header, string? tags)
    {
        await using var host = await ApiHost.StartAsync();
        using var body = new StringContent("x");
        var answer = await host.SendAsync(HttpMethod.Post, "/api/v1/topics/a" + query, body, header is null ? [] : [("X-Tags", header)]);
        Assert.True(answer.Status == 201, answer.Text);
        var content = Encoding.UTF8.GetString(host.Log.Entries[0].Content.Span);
        if (tags is null) Assert.DoesNotContain("tags", content, StringComparison.Ordinal);
        else Assert.Contains($"\"tags\":{tags}", content, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", Notifications + "?since=", ErrorCodes.InvalidRequest)]
    [InlineData("GET", Notifications + "?limit", ErrorCodes.InvalidRequest)]
    [InlineData("GET", Notifications + "?order=", ErrorCodes.InvalidRequest)]
    [InlineData("GET", Notifications + "?order=desc&before=", ErrorCodes.InvalidRequest)]
    [InlineData("GET", Notifications + "?filter", ErrorCodes.InvalidFilter)]
    [InlineData("GET", Notifications + "?Filter=a", ErrorCodes.InvalidRequest)]
    [InlineData("GET", Notifications + "?filter=a&FILTER=b", ErrorCodes.InvalidRequest)]
    [InlineData("GET", Notifications + "?device=", ErrorCodes.InvalidRequest)]
    [InlineData("GET", Notifications + "?user=", ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/stream?filter=a&since=", ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/stream?filter=", ErrorCodes.InvalidFilter)]
    [InlineData("GET", "/api/v1/stream?filter=a&access_token=", ErrorCodes.InvalidRequest)]
    [InlineData("POST", "/api/v1/topics/a?title=", ErrorCodes.InvalidRequest)]
    [InlineData("POST", "/api/v1/topics/a?priority", ErrorCodes.InvalidRequest)]
    [InlineData("POST", "/api/v1/topics/a?ttlSeconds=", ErrorCodes.InvalidRequest)]
    public async Task A_blank_parameter_is_never_its_default(string method, string target, string code)
    {
        await using var host = await ApiHost.StartAsync();
        using var body = method == "POST" ? new StringContent("x") : null;
        (await host.SendAsync(new HttpMethod(method), target, body)).IsProblem(400, code);
    }

    [Fact]
    public async Task A_blank_header_that_stands_for_a_parameter_is_not_its_default_either()
    {
        await using var host = await ApiHost.StartAsync();
        using var body = new StringContent("x");
        (await host.SendAsync(HttpMethod.Post, "/api/v1/topics/a", body, ("X-Priority", ""))).IsProblem(400, ErrorCodes.InvalidRequest);
    }

    [Theory]
    [InlineData(Notifications, 200)]
    [InlineData(Notifications + "/42", 404)]
    [InlineData("/api/v1/nothing", 404)]
    [InlineData(Notifications + "?since=x", 400)]
    public async Task What_is_read_is_not_for_caches(string target, int status)
    {
        await using var host = await ApiHost.StartAsync();
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Head })
        {
            var answer = await host.SendAsync(method, target);
            Assert.Equal((status, "no-store"), (answer.Status, answer.Header("Cache-Control")));
        }
    }

    [Theory]
    [InlineData("/api/v1/stream?filter=a", 200)]
    [InlineData("/api/v1/stream?user=alice", 200)]
    [InlineData("/api/v1/stream", 400)]
    [InlineData("/api/v1/stream?filter=a%23", 400)]
    [InlineData("/health/live", 200)]
    [InlineData("/health/ready", 200)]
    [InlineData("/metrics", 200)]
    [InlineData("/openapi/v1.json", 200)]
    [InlineData("/", 200)]
    public async Task HEAD_answers_wherever_GET_does(string target, int status)
    {
        await using var host = await ApiHost.StartAsync();
        var answer = await host.SendAsync(HttpMethod.Head, target);
        Assert.Equal((status, ""), (answer.Status, answer.Text));
        if (target.StartsWith("/api/v1/stream", StringComparison.Ordinal) && status == 200)
            Assert.Equal("text/event-stream", answer.ContentHeaders.ContentType?.MediaType);
    }
}
