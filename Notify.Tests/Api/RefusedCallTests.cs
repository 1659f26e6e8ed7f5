using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Notify.Contracts;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Api;

public class RefusedCallTests
{
    private const string Notifications = "/api/v1/notifications";
    private const string Order = """{"topic":"orders/42","title":"Order 42"}""";

    [Theory]
    [InlineData("GET", "/api/v1", 404, ErrorCodes.NotFound)]
    [InlineData("GET", "/api/v1/nothing/here", 404, ErrorCodes.NotFound)]
    [InlineData("POST", "/api/v1/notification", 404, ErrorCodes.NotFound)]
    [InlineData("GET", "/api/v1/notifications/0198c0de-0000-7000-8000-000000000001", 404, ErrorCodes.NotFound)]
    [InlineData("GET", "/api/v1/notifications/42", 404, ErrorCodes.NotFound)]
    [InlineData("PUT", "/api/v1/notifications", 405, ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/notifications/batch", 405, ErrorCodes.InvalidRequest)]
    [InlineData("DELETE", "/api/v1/notifications/0198c0de-0000-7000-8000-000000000001", 405, ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/topics/a", 405, ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/notifications?since=-1", 400, ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/notifications?since=9007199254740992", 400, ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/notifications?limit=0", 400, ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/notifications?limit=1001", 400, ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/notifications?limit=1&limit=2", 400, ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/notifications?before=1", 400, ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/notifications?filter=a%23", 400, ErrorCodes.InvalidFilter)]
    [InlineData("GET", "/api/v1/notifications?filter=", 400, ErrorCodes.InvalidFilter)]
    [InlineData("GET", "/api/v1/notifications?filter=%24user/bob", 400, ErrorCodes.InvalidFilter)]
    [InlineData("GET", "/api/v1/notifications?filter=%ED%A0%80", 400, ErrorCodes.InvalidRequest)]
    [InlineData("GET", "/api/v1/notifications?filter=50%25/%FF", 400, ErrorCodes.InvalidRequest)]
    [InlineData("POST", "/api/v1/topics/a?title=%C3", 400, ErrorCodes.InvalidRequest)]
    [InlineData("POST", "/api/v1/notifications", 415, ErrorCodes.UnsupportedMediaType)]
    public async Task A_refused_call_is_a_problem_document(string method, string target, int status, string code)
    {
        await using var host = await ApiHost.StartAsync();
        var answer = await host.SendAsync(new HttpMethod(method), target);
        answer.IsProblem(status, code);
        Assert.Equal(status == 405, answer.Header("Allow") is { Length: > 0 });
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json; charset=iso-8859-1")]
    public async Task Only_JSON_in_UTF8_is_taken(string type)
    {
        await using var host = await ApiHost.StartAsync();
        using var body = new ByteArrayContent(Encoding.UTF8.GetBytes(Order));
        body.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        (await host.SendAsync(HttpMethod.Post, Notifications, body)).IsProblem(415, ErrorCodes.UnsupportedMediaType);
    }

    [Theory]
    [InlineData(Notifications)]
    [InlineData(Notifications + "/batch")]
    [InlineData("/api/v1/topics/a")]
    public async Task A_compressed_body_is_not_taken_for_something_else(string target)
    {
        await using var host = await ApiHost.StartAsync();
        using var body = new StringContent(Order, Encoding.UTF8, "application/json");
        body.Headers.ContentEncoding.Add("gzip");
        (await host.SendAsync(HttpMethod.Post, target, body)).IsProblem(415, ErrorCodes.UnsupportedMediaType);
        Assert.Empty(host.Log.Entries);
    }

    [Theory]
    [InlineData("", "There is no JSON in the body.")]
    [InlineData("{\n \"topic\": \"a\",\n}",
        "The JSON is malformed at line 3, byte 1: The JSON object contains a trailing comma at the end which is not supported in this mode.")]
    public async Task Malformed_JSON_is_refused_with_its_position(string json, string detail)
    {
        await using var host = await ApiHost.StartAsync();
        Assert.Equal(detail, (await host.PostAsync(Notifications, json)).Json.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Parts_are_not_text()
    {
        await using var host = await ApiHost.StartAsync();
        using var body = new MultipartFormDataContent { { new StringContent("x"), "f" } };
        (await host.SendAsync(HttpMethod.Post, "/api/v1/topics/a", body)).IsProblem(415, ErrorCodes.UnsupportedMediaType);
        using var binary = new ByteArrayContent([0xFF, 0xFE]);
        (await host.SendAsync(HttpMethod.Post, "/api/v1/topics/a", binary)).IsProblem(400, ErrorCodes.InvalidRequest);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_over_the_limit_is_refused_with_and_without_a_length(bool chunked)
    {
        await using var host = await ApiHost.StartAsync(settings: [("Notify:Limits:PayloadBytes", "1000")]);
        foreach (var (bytes, status) in new[] { (1000, 201), (1001, 413) })
        {
            var json = $$"""{"topic":"a","title":"{{new string('x', bytes - 24)}}"}""";
            Assert.Equal(bytes, json.Length);
            using var body = new StringContent(json, Encoding.UTF8, "application/json");
            using var request = new HttpRequestMessage(HttpMethod.Post, Notifications) { Content = body };
            request.Headers.TransferEncodingChunked = chunked;
            using var response = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(status, (int)response.StatusCode);
            if (status == 413)
                Assert.Contains(ErrorCodes.PayloadTooLarge, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
                    StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task In_a_batch_only_the_item_that_is_too_large_is_refused()
    {
        await using var host = await ApiHost.StartAsync(settings: [("Notify:Limits:PayloadBytes", "300")]);
        var large = $$"""{"topic":"a","title":"{{new string('x', 300)}}"}""";
        var answer = await host.PostAsync(Notifications + "/batch", $$"""{"notifications":[{{large}},{{Order}}]}""");
        Assert.Equal([413, 201], answer.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetInt32()));
    }

    [Fact]
    public async Task A_batch_may_be_larger_than_what_the_server_takes_otherwise()
    {
        await using var host = await ApiHost.StartAsync();
        var item = $$"""{"topic":"a","body":"{{new string('x', 60_000)}}"}""";
        var answer = await host.PostAsync(Notifications + "/batch", $$"""{"notifications":[{{string.Join(',', Enumerable.Repeat(item, 600))}}]}""");
        Assert.Equal(200, answer.Status);
        Assert.Equal(600, host.Log.Entries.Count);
    }

    [Fact]
    public async Task Storage_that_is_away_is_a_503_to_repeat()
    {
        await using var host = await ApiHost.StartAsync();
        host.Log.IsAway = true;
        var read = await host.GetAsync(Notifications);
        read.IsProblem(503, ErrorCodes.StorageUnavailable);
        Assert.Equal("1", read.Header("Retry-After"));
    }

    [Fact]
    public async Task A_failure_of_ours_tells_nothing_of_itself()
    {
        await using var host = await ApiHost.StartAsync();
        host.Log.BeforeAppend = (_, _) => throw new InvalidOperationException("secret");
        var publish = await host.PostAsync(Notifications, Order);
        publish.IsProblem(503, ErrorCodes.StorageUnavailable);
        Assert.DoesNotContain("secret", publish.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_the_rate_is_a_429_for_publishing_only()
    {
        await using var host = await ApiHost.StartAsync(settings: [("Notify:Limits:RequestsPerSecond", "1")]);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => host.PostAsync(Notifications, Order)));
        var refused = answers.First(answer => answer.Status != 201);
        refused.IsProblem(429, ErrorCodes.TooManyRequests);
        Assert.Equal("1", refused.Header("Retry-After"));
        Assert.Equal(201, (await host.PostAsync(Notifications + "?user=bob", Order)).Status);
        Assert.Equal(200, (await host.GetAsync(Notifications)).Status);
    }

    [Fact]
    public async Task A_foreign_origin_is_refused_and_allowed_ones_are_answered()
    {
        await using var host = await ApiHost.StartAsync(settings: [("Notify:AllowedOrigins:0", "https://Shop.example/")]);
        (await host.PostAsync(Notifications, Order, ("Origin", "https://evil.example"))).IsProblem(403, ErrorCodes.Forbidden);
        (await host.PostAsync(Notifications, Order, ("Origin", "null"))).IsProblem(403, ErrorCodes.Forbidden);
        Assert.Empty(host.Log.Entries);

        Assert.Equal(201, (await host.PostAsync(Notifications, Order, ("Origin", host.Client.BaseAddress!.GetLeftPart(UriPartial.Authority)))).Status);
        var allowed = await host.PostAsync(Notifications, Order, ("Origin", "https://shop.example"));
        Assert.Equal((201, "https://shop.example", "true"),
            (allowed.Status, allowed.Header("Access-Control-Allow-Origin"), allowed.Header("Access-Control-Allow-Credentials")));

        var preflight =
            await host.SendAsync(HttpMethod.Options, Notifications, null, ("Origin", "https://shop.example"), ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type,idempotency-key"));
        Assert.Equal((204, "POST"), (preflight.Status, preflight.Header("Access-Control-Allow-Methods")));
        Assert.Equal("content-type,idempotency-key", preflight.Header("Access-Control-Allow-Headers"));
    }

    [Fact]
    public async Task In_Development_a_rebound_name_is_not_the_own_origin()
    {
        await using var host = await ApiHost.StartAsync();
        var port = host.Client.BaseAddress!.Port;
        (await host.PostAsync(Notifications, Order, ("Host", $"evil.example:{port}"), ("Origin", $"http://evil.example:{port}")))
            .IsProblem(403, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task A_client_that_leaves_in_the_middle_disturbs_no_other()
    {
        var logged = new Observed<(LogLevel Level, string? Event, string Text)>();
        await using var host =
            await ApiHost.StartAsync(services =>
            services.AddLogging(logging => logging.AddProvider(new RecordedEvents(logged)).AddFilter<RecordedEvents>(null, LogLevel.Debug)));
        await logged.FirstAsync(said => said.Text.StartsWith("Applying rules failed", StringComparison.Ordinal)); // this log keeps no directory
        var before = logged.Count;
        using (var client = new TcpClient())
        {
            await client.ConnectAsync("127.0.0.1", host.Client.BaseAddress!.Port, TestContext.Current.CancellationToken);
            const string Unfinished =
                "POST /api/v1/notifications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(Unfinished), TestContext.Current.CancellationToken);
        }

        await logged.FirstAsync(said => said.Event == "ConnectionStop"); // it has noticed
        Assert.DoesNotContain(logged.Items.Skip(before), said => said.Level >= LogLevel.Error); // Kestrel itself may warn of the cut
        Assert.Empty(host.Log.Batches);
        Assert.Equal(201, (await host.PostAsync(Notifications, Order)).Status);
        Assert.Single(host.Log.Entries);
    }

    [Fact]
    public async Task What_is_for_another_user_is_not_found()
    {
        await using var host = await ApiHost.StartAsync();
        var location = (await host.PostAsync(Notifications, """{"user":"alice","title":"x"}""")).Header("Location")!;
        Assert.Equal(200, (await host.GetAsync(location + "?user=alice")).Status);
        Assert.Equal(200, (await host.GetAsync(location)).Status);
        (await host.GetAsync(location + "?user=bob")).IsProblem(404, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task Expired_ones_are_not_found()
    {
        await using var host = await ApiHost.StartAsync();
        var location = (await host.PostAsync(Notifications, """{"topic":"a","title":"x","ttlSeconds":1}""")).Header("Location")!;
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        ApiHost.Answer answer;
        while ((answer = await host.GetAsync(location)).Status == 200) await Task.Delay(50, timeout.Token);
        answer.IsProblem(404, ErrorCodes.NotFound);
    }

    private sealed class RecordedEvents(Observed<(LogLevel Level, string? Event, string Text)> events) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            events.Add((logLevel, eventId.Name, formatter(state, exception)));

        public void Dispose()
        {
        }
    }
}
