using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Notify.Contracts;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Api;

public class ReadCallTests
{
    private const string Notifications = "/api/v1/notifications";

    [Fact]
    public async Task Pages_go_on_after_next_until_it_is_the_head()
    {
        await using var host = await ApiHost.StartAsync();
        await host.PostAsync(Notifications + "/batch", """{"notifications":[{"topic":"a","title":"1"},{"topic":"b","title":"2"},{"user":"u","title":"3"},{"topic":"a/x","title":"4"}]}""");

        var first = await host.GetAsync(Notifications + "?limit=1");
        Assert.Equal([1L], Versions(first));
        Assert.Equal((1L, 4L, $"{host.Log.Epoch}"),
            (first.Json.GetProperty("next").GetInt64(), first.Json.GetProperty("head").GetInt64(), first.Json.GetProperty("epoch").GetString()));
        Assert.False(first.Json.TryGetProperty("gap", out _));

        Assert.Equal([2L, 4L], Versions(await host.GetAsync(Notifications + "?since=1")));
        Assert.Equal([1L, 4L], Versions(await host.GetAsync(Notifications + "?filter=a/%23&filter=nothing")));
    }

    [Fact]
    public async Task A_since_above_the_head_has_its_gap()
    {
        await using var host = await ApiHost.StartAsync();
        var gap = (await host.GetAsync(Notifications + "?since=9")).Json.GetProperty("gap");
        Assert.Equal((9L, 1L, 0L, "epoch"),
            (gap.GetProperty("since").GetInt64(), gap.GetProperty("oldest").GetInt64(), gap.GetProperty("head").GetInt64(), gap.GetProperty("reason")
            .GetString()));
    }

    [Fact]
    public async Task HEAD_is_GET_without_the_body()
    {
        await using var host = await ApiHost.StartAsync();
        var answer = await host.SendAsync(HttpMethod.Head, Notifications);
        Assert.Equal((200, ""), (answer.Status, answer.Text));
        Assert.Equal((404, ""), await StatusAndText(host, Notifications + "/42"));
    }

    [Fact]
    public async Task The_OpenAPI_document_describes_every_call()
    {
        await using var host = await ApiHost.StartAsync();
        var document = (await host.GetAsync("/openapi/v1.json")).Json;
        var calls = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path =>
                path.Value.EnumerateObject().Select(call => (Route: $"{call.Name} {path.Name}", Name: call.Value.GetProperty("operationId").GetString())))
            .ToDictionary(call => call.Route, call => call.Name);
        var routes =
            from endpoint in host.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            where endpoint.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal)
            from method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []
            where method is not "HEAD" // is GET
            select $"{method.ToLowerInvariant()} {endpoint.RoutePattern.RawText!.Replace("**", "", StringComparison.Ordinal)}";
        Assert.Equal(routes.Distinct().Order(StringComparer.Ordinal), calls.Keys.Order(StringComparer.Ordinal));
        Assert.Distinct(calls.Values);
        Assert.Equal(
            ["publish", "list", "publishBatch", "get", "publishToTopic", "stream"],
            [calls["post " + Notifications], calls["get " + Notifications], calls[$"post {Notifications}/batch"], calls[$"get {Notifications}/{{id}}"],
                calls["post /api/v1/topics/{topic}"], calls["get /api/v1/stream"]]);

        var answers = document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject())
            .Select(call => call.Value.GetProperty("responses"));
        Assert.All(answers, answer => Assert.Equal("#/components/responses/Problem401", answer.GetProperty("401").GetProperty("$ref").GetString()));
        var problems = document.GetProperty("components").GetProperty("responses");
        Assert.True(problems.GetProperty("Problem401").GetProperty("headers").TryGetProperty("WWW-Authenticate", out _));
        var credentials = document.GetProperty("components").GetProperty("securitySchemes");
        Assert.Equal(("bearer", "X-Api-Key"),
            (credentials.GetProperty("bearer").GetProperty("scheme").GetString(), credentials.GetProperty("apiKey").GetProperty("name").GetString()));
        Assert.Equal("""[{"bearer":[]},{"apiKey":[]}]""", JsonSerializer.Serialize(document.GetProperty("security")));
        Assert.Equal(
            ["get", "list", "me", "publish", "publishBatch", "publishToTopic", "stream"], // what may be granted to callers without one
            document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject())
                .Where(call => call.Value.TryGetProperty("security", out var own) && own.EnumerateArray().Any(one => !one.EnumerateObject().Any()))
                .Select(call => call.Value.GetProperty("operationId").GetString()).Order(StringComparer.Ordinal));

        var publish = document.GetProperty("paths").GetProperty("/api/v1/notifications").GetProperty("post");
        Assert.Equal("Idempotency-Key", publish.GetProperty("parameters")[0].GetProperty("name").GetString());
        Assert.True(publish.GetProperty("requestBody").GetProperty("content").TryGetProperty("application/json", out _));
        Assert.Equal(["200", "201", "202", "400", "401", "403", "409", "413", "415", "429", "500", "503"], publish.GetProperty("responses").EnumerateObject()
            .Select(response => response.Name).Order(StringComparer.Ordinal));
        var schemas = document.GetProperty("components").GetProperty("schemas");
        Assert.Equal("integer", schemas.GetProperty("Problem").GetProperty("properties").GetProperty("status").GetProperty("type").GetString());
        Assert.True(schemas.GetProperty("PublishRequest").GetProperty("properties").TryGetProperty("ttlSeconds", out _));
    }

    [Fact]
    public async Task The_OpenAPI_document_says_what_is_on_the_wire_and_nothing_of_the_code()
    {
        await using var host = await ApiHost.StartAsync();
        var text = (await host.GetAsync("/openapi/v1.json")).Text;
        Assert.DoesNotContain("\"null\"", text, StringComparison.Ordinal); // absent values are left out
        Assert.DoesNotContain("PublishRequest.", text, StringComparison.Ordinal);

        var document = JsonElement.Parse(text);
        var stream = document.GetProperty("paths").GetProperty("/api/v1/stream").GetProperty("get");
        Assert.True(stream.GetProperty("responses").GetProperty("200").GetProperty("content").TryGetProperty("text/event-stream", out _));
        Assert.All(["429", "503"], status => Assert.False(stream.GetProperty("responses").TryGetProperty(status, out _))); // a 200 that ends instead
        var publish = document.GetProperty("paths").GetProperty("/api/v1/notifications").GetProperty("post");
        Assert.All(["429", "503"], status =>
            Assert.EndsWith(status, publish.GetProperty("responses").GetProperty(status).GetProperty("$ref").GetString(), StringComparison.Ordinal));
        var problems = document.GetProperty("components").GetProperty("responses");
        Assert.All(["429", "503"], status => Assert.True(problems.GetProperty($"Problem{status}").GetProperty("headers").TryGetProperty("Retry-After", out _)));

        var schemas = document.GetProperty("components").GetProperty("schemas");
        Assert.Equal("string", schemas.GetProperty("Notification").GetProperty("properties").GetProperty("publishedAt").GetProperty("type").GetString());
        Assert.False(schemas.GetProperty("PublishRequest").GetProperty("additionalProperties").GetBoolean());
        var codes = schemas.GetProperty("Problem").GetProperty("properties").GetProperty("code").GetProperty("enum").EnumerateArray()
            .Select(code => code.GetString());
        Assert.Equal(typeof(ErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!).Append("internal_error").Order(), codes.Order());
    }

    [Fact]
    public async Task Metrics_count_what_was_published()
    {
        await using var host = await ApiHost.StartAsync();
        await host.PostAsync(Notifications, """{"topic":"a","title":"x"}""");
        var metrics = (await host.GetAsync("/metrics")).Text;
        Assert.Contains("notify_published", metrics, StringComparison.Ordinal);
        Assert.Contains("notify_append_duration_seconds_bucket", metrics, StringComparison.Ordinal);
        Assert.Contains("notify_publish_queue_entries", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_is_alive_before_its_storage_is_there_and_ready_after()
    {
        var there = false;
        await using var host =
            await ApiHost.StartAsync(open: log =>
            there ? Task.FromResult<INotificationLog>(log) : throw new StorageUnavailableException("Not there yet, as told."));
        Assert.Equal(200, (await host.GetAsync("/health/live")).Status);
        var starting = await host.GetAsync("/health/ready");
        Assert.Equal((503, "unhealthy"), (starting.Status, starting.Json.GetProperty("parts").GetProperty("storage").GetProperty("status").GetString()));
        Assert.Equal(503, (await host.GetAsync(Notifications + "/0198c0de-0000-7000-8000-000000000001")).Status);

        there = true;
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while ((await host.GetAsync("/health/ready")).Status != 200) await Task.Delay(50, timeout.Token);
        Assert.Equal(201, (await host.PostAsync(Notifications, """{"topic":"a","title":"x"}""")).Status);
    }

    [Fact]
    public async Task Storage_that_goes_away_later_is_degraded_but_ready()
    {
        await using var host = await ApiHost.StartAsync();
        Assert.Equal("healthy", (await host.GetAsync("/health/ready")).Json.GetProperty("status").GetString());
        host.Log.IsAway = true;
        var answer = await host.GetAsync("/health/ready");
        Assert.Equal((200, "degraded"), (answer.Status, answer.Json.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task Storage_that_answers_but_stores_nothing_is_degraded_until_it_does()
    {
        await using var host = await ApiHost.StartAsync();
        host.Log.BeforeAppend = (_, _) => throw new StorageUnavailableException("Full, as told.");
        var publish = host.PostAsync(Notifications, """{"topic":"a","title":"x"}""");
        await Eventually.TrueAsync(async () => (await ReadyAsync()).Text.Contains("could not be stored", StringComparison.Ordinal), "degraded");
        Assert.Equal((200, "degraded"), ((await ReadyAsync()).Status, (await ReadyAsync()).Json.GetProperty("status").GetString()));

        host.Log.BeforeAppend = (_, _) => Task.CompletedTask;
        Assert.Equal(201, (await publish).Status);
        Assert.Equal("healthy", (await ReadyAsync()).Json.GetProperty("status").GetString());

        Task<ApiHost.Answer> ReadyAsync() => host.GetAsync("/health/ready");
    }

    private static async Task<(int, string)> StatusAndText(ApiHost host, string target)
    {
        var answer = await host.SendAsync(HttpMethod.Head, target);
        return (answer.Status, answer.Text);
    }

    private static IEnumerable<long> Versions(ApiHost.Answer page) =>
        page.Json.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("version").GetInt64());
}
