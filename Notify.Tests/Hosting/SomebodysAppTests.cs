using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Notify.Contracts.Publishing;
using Notify.Engine.Configuration;
using Notify.Server;
using Notify.Server.Configuration;
using Notify.Server.Hosting;
using Notify.Storage;
using Notify.Storage.Log;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Notify.Tests.Hosting;

/// <summary>The service as a guest: what an app has of its own stays as it was, and what it has there does not change the service.</summary>
public sealed class SomebodysAppTests
{
    [Fact]
    public async Task A_stock_hub_beside_ours_stays_as_it_was_and_its_filters_and_limits_are_not_ours()
    {
        await using var app = await SomebodysApp.StartAsync(
            builder => builder.Services
                .AddSignalR(hub =>
                {
                    hub.AddFilter<TheirFilter>();
                    hub.MaximumReceiveMessageSize = 200;
                    hub.SupportedProtocols = ["json"];
                })
                .AddJsonProtocol(json => json.PayloadSerializerOptions.PropertyNamingPolicy = null),
            app =>
            {
                app.MapHub<TheirHub>("/theirs");
                app.MapNotify();
            });

        await using var theirs = new HubConnectionBuilder().WithUrl(new Uri(app.Url, "/theirs")).Build();
        var heard = new Observed<JsonElement>();
        theirs.On<JsonElement>("Heard", heard.Add);
        await theirs.StartAsync(Cancel);
        await theirs.InvokeAsync("Say", new { Text = "x", Unknown = 1 }, Cancel); // ours would refuse the unknown member
        Assert.Equal("""{"Text":"x, filtered"}""", (await heard.CountAsync(1))[0].GetRawText());

        await Eventually.TrueAsync(async () => await app.StatusAsync("/api/v1/notifications") == HttpStatusCode.OK, "the storage is reached");
        await using var ours = new StockFollower(app.Url, messagePack: true);
        await ours.ResumeAsync(null, null, [.. Enumerable.Range(0, 50).Select(i => $"some/topic/{i}")]);
        using var published = await app.SendAsync(HttpMethod.Post, "/api/v1/topics/some/topic/1", "hello");
        Assert.Equal("hello", (await ours.Received.CountAsync(1))[0].Body);
    }

    [Theory]
    [InlineData("", "", "")]
    [InlineData("", "/notify", "/notify")]
    [InlineData("", "/{tenant}/a/notify", "/blue/a/notify")]
    [InlineData("/base", "/notify", "/base/notify")]
    [InlineData("/base", "", "/base")]
    [InlineData("/api/v1/topics/x", "/api/v1/topics/y", "/api/v1/topics/x/api/v1/topics/y")]
    public async Task Below_any_group_and_path_base_the_calls_the_stream_and_the_hub_work_and_Location_is_right(string pathBase, string group, string at)
    {
        await using var app = await SomebodysApp.StartAsync(_ => { }, app =>
        {
            if (pathBase.Length > 0)
            {
                app.UsePathBase(pathBase);
                app.UseRouting();
            }

            (group.Length > 0 ? app.MapGroup(group) : (IEndpointRouteBuilder)app).MapNotify();
        });

        foreach (var (call, body) in new[] { ("/api/v1/topics/a/api/v1/topics/%C3%A9", "text"), ("/api/v1/notifications", """{"topic":"a/api/v1/topics/é","body":"text"}""") })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(app.Url, at + call));
            request.Content = call.EndsWith("notifications", StringComparison.Ordinal) ? JsonContent.Create(JsonNode.Parse(body)) : new StringContent(body);
            using var posted = await app.Http.SendAsync(request, Cancel);
            Assert.Equal(HttpStatusCode.Created, posted.StatusCode);
            var location = posted.Headers.Location!.ToString();
            Assert.StartsWith($"{at}/api/v1/notifications/", location, StringComparison.Ordinal);
            Assert.Equal("a/api/v1/topics/é", JsonElement.Parse(await app.GetAsync(location)).GetProperty("topic").GetString());
        }

        await using var follower = new StockFollower(new Uri(app.Url, at + "/"));
        await follower.ResumeAsync(0, null, "#");
        Assert.Equal(2, (await follower.Received.CountAsync(2)).Count);
        Assert.Contains("event: notification", await FirstEventAsync(app, $"{at}/api/v1/stream?filter=%23&since=0"), StringComparison.Ordinal);
        using var nothing = await app.SendAsync(HttpMethod.Get, $"{at}/api/v1/nothing");
        Assert.Equal((HttpStatusCode.NotFound, "application/problem+json"), (nothing.StatusCode, nothing.Content.Headers.ContentType?.MediaType));
    }

    [Fact]
    public async Task A_prefix_that_a_proxy_took_off_is_in_the_Location()
    {
        await using var app = await SomebodysApp.StartAsync(
            builder => builder.Services.Configure<ForwardedHeadersOptions>(headers => headers.ForwardedHeaders = ForwardedHeaders.XForwardedPrefix),
            app =>
            {
                app.UseForwardedHeaders();
                app.UseRouting();
                app.MapGroup("/notify").MapNotify();
            });
        using var posted = await app.SendAsync(HttpMethod.Post, "/notify/api/v1/topics/a/b", "text", ("X-Forwarded-Prefix", "/outside"));
        Assert.StartsWith("/outside/notify/api/v1/notifications/", posted.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.Equal("a/b", (await posted.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("topic").GetString());
    }

    [Fact]
    public async Task The_apps_own_page_document_health_and_telemetry_are_unaffected()
    {
        await using var app = await SomebodysApp.StartAsync(
            builder =>
            {
                builder.Services.AddControllers().AddJsonOptions(json => json.JsonSerializerOptions.PropertyNamingPolicy = null);
                builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower);
                builder.Services.AddOpenApi();
                builder.Services.AddHealthChecks().AddCheck("redis", () => HealthCheckResult.Healthy("theirs")); // the name of one of ours
            },
            app =>
            {
                app.MapGet("/", () => "their page");
                app.MapGet("/said", () => new Said("x"));
                app.MapOpenApi();
                app.MapHealthChecks("/health");
                app.MapNotify();
            },
            ("ConnectionStrings:Redis", "nonsense,colour=red"), ("ConnectionStrings:Redis1", "theirs"), ("ConnectionStrings:Postgres", "nonsense"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"));

        Assert.Equal("their page", await app.GetAsync("/"));
        Assert.Equal("""{"text":"x"}""", await app.GetAsync("/said"));
        Assert.Equal("Healthy", await app.GetAsync("/health"));
        Assert.Equal(["redis"], app.Services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations.Select(check => check.Name));
        Assert.Null(app.Services.GetService<MeterProvider>());
        Assert.Null(app.Services.GetService<TracerProvider>());
        Assert.Empty(app.Services.GetRequiredService<IOptions<AuthenticationOptions>>().Value.Schemes);
        Assert.Null(app.Services.GetService<Microsoft.AspNetCore.Connections.IMemoryPoolFactory<byte>>() as TransportBlocksFactory);
        Assert.Equal(new HostOptions().ShutdownTimeout, app.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout);
        foreach (var ours in new[] { "/metrics", "/health/ready", "/page.js", "/start.js", "/notify.js", "/docs/" })
        {
            using var answer = await app.SendAsync(HttpMethod.Get, ours);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }

        Assert.Equal(["/", "/said"], Paths(await app.GetAsync("/openapi/v1.json")));
        var document = JsonElement.Parse(await app.GetAsync("/openapi/notify.json"));
        Assert.All(Paths(document.GetRawText()), path => Assert.StartsWith("/api/v1/", path, StringComparison.Ordinal));
        var published = document.GetProperty("components").GetProperty("schemas").GetProperty("PublishResult");
        Assert.Equal(["id", "publishedAt", "topic", "version"], published.GetProperty("properties").EnumerateObject().Select(property => property.Name)
            .Order());
        Assert.Equal(["id", "publishedAt", "topic"], published.GetProperty("required").EnumerateArray().Select(name => name.GetString()).Order());
    }

    [Fact]
    public async Task A_fallback_policy_guards_the_apps_pages_and_not_the_calls_unless_the_app_asks_for_it()
    {
        await using var app = await SomebodysApp.StartAsync(WithLogin, app =>
        {
            app.UseAuthentication();
            app.UseAuthorization();
            app.MapGet("/", () => "their page");
            app.MapNotify();
            app.MapGroup("/guarded").MapNotify().RequireAuthorization();
        });

        await using var follower = new StockFollower(app.Url);
        await follower.ResumeAsync(null, null, "#");
        foreach (var (method, path, stranger, known) in new[]
        {
            (HttpMethod.Get, "/", HttpStatusCode.Unauthorized, HttpStatusCode.OK),
            (HttpMethod.Post, "/api/v1/topics/a", HttpStatusCode.Created, HttpStatusCode.Created),
            (HttpMethod.Post, "/hubs/notifications/negotiate?negotiateVersion=1", HttpStatusCode.OK, HttpStatusCode.OK),
            (HttpMethod.Post, "/guarded/api/v1/topics/a", HttpStatusCode.Unauthorized, HttpStatusCode.Created),
            (HttpMethod.Post, "/guarded/hubs/notifications/negotiate?negotiateVersion=1", HttpStatusCode.Unauthorized, HttpStatusCode.OK),
        })
        {
            using var without = await app.SendAsync(method, path, method == HttpMethod.Post ? "text" : null);
            using var with = await app.SendAsync(method, path, method == HttpMethod.Post ? "text" : null, ("X-Login", "alice"));
            Assert.Equal((path, stranger, known), (path, without.StatusCode, with.StatusCode));
        }
    }

    [Fact]
    public async Task Compression_caching_and_error_pages_of_the_app_do_not_change_the_answers()
    {
        await using var app = await SomebodysApp.StartAsync(
            builder =>
            {
                builder.Services.AddResponseCompression(compression =>
                {
                    compression.EnableForHttps = true;
                    compression.MimeTypes = ["text/event-stream", "application/json", "application/problem+json", "text/plain"];
                });
                builder.Services.AddOutputCache(cache => cache.AddBasePolicy(policy => policy.Cache()));
                builder.Services.AddProblemDetails(problem => problem.CustomizeProblemDetails = context => context.ProblemDetails.Title = "theirs");
            },
            app =>
            {
                app.UseExceptionHandler();
                app.UseStatusCodePages(pages => pages.HttpContext.Response.WriteAsync("their error page"));
                app.UseResponseCompression();
                app.UseOutputCache();
                app.MapGet("/fails", string () => throw new InvalidOperationException("theirs"));
                app.MapGroup("/notify").MapNotify();
            });

        using var fails = await app.SendAsync(HttpMethod.Get, "/fails");
        Assert.Equal((HttpStatusCode.InternalServerError, "theirs"),
            (fails.StatusCode, (await fails.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("title").GetString()));
        using var refused = await app.SendAsync(HttpMethod.Post, "/notify/api/v1/topics/a+b", "text");
        Assert.Equal("invalid_topic", (await refused.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString());

        // An event reaches a client that takes compressed answers while the stream goes on, and a list is never an old one.
        for (var i = 1; i <= 2; i++)
        {
            using var posted = await app.SendAsync(HttpMethod.Post, "/notify/api/v1/topics/a", "text");
            Assert.Equal(HttpStatusCode.Created, posted.StatusCode);
            Assert.Equal(i, JsonElement.Parse(await app.GetAsync("/notify/api/v1/notifications")).GetProperty("items").GetArrayLength());
        }

        Assert.Contains("event: notification", await FirstEventAsync(app, "/notify/api/v1/stream?filter=%23&since=0", ("Accept-Encoding", "gzip")),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_storage_that_is_away_means_503_and_unready_health_and_the_app_goes_on_also_when_it_turns_out_misconfigured()
    {
        var time = new FakeTimeProvider();
        Exception? failure = new StorageUnavailableException("It is away.");
        var wrong = 0;
        var starting = SomebodysApp.StartAsync(
            builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(time);
                builder.Services.AddHealthChecks().AddNotify("ready");
            },
            app =>
            {
                app.MapGet("/", () => "their page");
                app.MapHealthChecks("/health", new() { Predicate = check => check.Tags.Contains("ready") });
                app.MapNotify();
            },
            services => services.AddSingleton<LogOpener>(provider => cancellationToken =>
            {
                if (failure is StorageMisconfiguredException) wrong++;
                return failure is not null ? Task.FromException<INotificationLog>(failure)
                    : LogStore.OpenAsync(provider.GetRequiredService<StorageOptions>(), cancellationToken);
            }));
        await Passing(time, () => Task.FromResult(starting.IsCompleted), "the app has started without the storage");
        await using var app = await starting;

        using var refused = await Passing(time, app.SendAsync(HttpMethod.Post, "/api/v1/topics/a", "text"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        using var health = await app.SendAsync(HttpMethod.Get, "/health");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Unhealthy"), (health.StatusCode, await health.Content.ReadAsStringAsync(Cancel)));

        failure = new StorageMisconfiguredException("Its password is another one.");
        await Passing(time, () => Task.FromResult(wrong > 1), "it was tried again");
        Assert.False(app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        Assert.Equal("their page", await app.GetAsync("/"));

        failure = null;
        await Passing(time, async () => await app.StatusAsync("/health") == HttpStatusCode.OK, "it is ready once the password is right");
        using var posted = await app.SendAsync(HttpMethod.Post, "/api/v1/topics/a", "text"); // the clock stands still: no deadline passes
        Assert.Equal(HttpStatusCode.Created, posted.StatusCode);
    }

    [Fact]
    public async Task A_part_that_fails_takes_the_service_off_this_node_and_not_the_app()
    {
        var fail = new TaskCompletionSource();
        await using var app = await SomebodysApp.StartAsync(
            builder => builder.Services.AddHealthChecks().AddNotify(),
            app =>
            {
                app.MapGet("/", () => "their page");
                app.MapHealthChecks("/health");
                app.MapNotify();
            },
            services =>
            {
                var first = services.Count;
                services.AddHostedService(_ => new FailingPart(fail.Task));
                GuestService.Wrap(services, first);
            });
        await Eventually.TrueAsync(async () => await app.StatusAsync("/health") == HttpStatusCode.OK, "it is ready");
        await using var follower = new StockFollower(app.Url);
        await follower.ResumeAsync(null, null, "#");

        fail.SetException(new InvalidOperationException("A part fails."));
        await follower.Closed.CountAsync(1);
        await Eventually.TrueAsync(async () => await app.StatusAsync("/health") == HttpStatusCode.ServiceUnavailable, "it is not ready");
        using var negotiate = await app.SendAsync(HttpMethod.Post, "/hubs/notifications/negotiate?negotiateVersion=1", "");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, negotiate.StatusCode);
        Assert.Equal("their page", await app.GetAsync("/"));
        Assert.False(app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
    }

    [Fact]
    public async Task The_apps_own_code_publishes_by_the_same_rules()
    {
        await using var app = await SomebodysApp.StartAsync(_ => { }, app => app.MapNotify());
        var publisher = app.Services.GetRequiredService<INotifyPublisher>();
        await using var follower = new StockFollower(app.Url);
        await follower.ResumeAsync(null, null, "#");
        var first = await publisher.PublishAsync(new PublishRequest { Topic = "a", Body = "one", IdempotencyKey = "k" }, Cancel);
        var again = await publisher.PublishAsync(new PublishRequest { Topic = "a", Body = "one", IdempotencyKey = "k" }, Cancel);
        Assert.Equal((first.Id, first.Version), (again.Id, again.Version));
        Assert.Equal("one", (await follower.Received.CountAsync(1))[0].Body);
        Assert.Null((await publisher.PublishAsync(new PublishRequest { Topic = "a", Body = "live", Ephemeral = true }, Cancel)).Version);
        var refused = await Assert.ThrowsAsync<NotifyRefusedException>(() => publisher.PublishAsync(new PublishRequest { Topic = "a/+", Body = "x" }, Cancel));
        Assert.Equal("invalid_topic", refused.Code);
    }

    [Fact]
    public void What_is_set_in_code_comes_after_the_configuration_and_is_held_to_the_same_rules()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([new("Notify:Auth:AllowAnonymous", "true"), new("Notify:Limits:BatchSize", "5")]);
        var wrong = Assert.Throws<SettingsException>(() => builder.AddNotify(options => options.Limits.BatchSize = 0));
        Assert.Contains("Limits:BatchSize", wrong.Message, StringComparison.Ordinal);
        Assert.Throws<SettingsException>(() => builder.AddNotify(options => options.Storage.SqlitePath = null!));
        Assert.Throws<SettingsException>(() => builder.AddNotify(options => options.Limits = null!));
        Assert.Throws<SettingsException>(() => builder.AddNotify(options => options.AllowedOrigins.Add("https://shop.example/path")));

        builder.Services.AddNotify(options =>
        {
            Assert.Equal(5, options.Limits.BatchSize);
            options.Limits.BatchSize = 7;
            options.AllowedOrigins.Add("HTTPS://Shop.example:443/");
        });
        using var services = builder.Services.BuildServiceProvider();
        var read = services.GetRequiredService<IOptions<NotifyOptions>>().Value;
        Assert.Equal((7, "https://shop.example"), (read.Limits.BatchSize, read.AllowedOrigins.Single()));
        Assert.Throws<InvalidOperationException>(() => builder.AddNotify()); // twice
    }

    [Fact]
    public void The_endpoints_say_so_when_the_service_was_not_added() =>
        Assert.Contains("AddNotify", Assert.Throws<InvalidOperationException>(() => WebApplication.Create().MapNotify()).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("Notify:Limits:BatchSize", "0", "Notify:Limits:BatchSize")]
    [InlineData("Notify:Redis", "localhost:6379", "Notify:Redis is set, but the storage is a SQLite file")]
    [InlineData("Notify:Postgre", "Host=db", "Did you mean Notify:Postgres?")]
    public async Task A_mistaken_setting_throws_where_the_service_is_added(string key, string value, string expected) =>
        Assert.Contains(expected, (await Assert.ThrowsAsync<SettingsException>(() => SomebodysApp.StartAsync(_ => { }, _ => { }, (key, value)))).Message,
            StringComparison.Ordinal);

    [Fact]
    public async Task A_storage_that_cannot_be_used_throws_at_the_start_and_names_the_setting_as_it_is_here()
    {
        var wrong = await Assert.ThrowsAsync<StorageMisconfiguredException>(() => SomebodysApp.StartAsync(_ => { }, _ => { }, ("Notify:Postgres", "nonsense")));
        Assert.Contains("Notify:Postgres", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("ConnectionStrings", wrong.Message, StringComparison.Ordinal);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task Passing(FakeTimeProvider time, Func<Task<bool>> condition, string what) => Eventually.TrueAsync(
        async () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return await condition();
        },
        what);

    private static async Task<T> Passing<T>(FakeTimeProvider time, Task<T> call)
    {
        await Passing(time, () => Task.FromResult(call.IsCompleted), "the call was answered");
        return await call;
    }

    private static void WithLogin(WebApplicationBuilder builder)
    {
        builder.Services.AddAuthentication("theirs").AddScheme<AuthenticationSchemeOptions, TheirLogin>("theirs", null);
        builder.Services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }

    private static async Task<string> FirstEventAsync(SomebodysApp app, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(app.Url, path));
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await app.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var body = await answer.Content.ReadAsStreamAsync(Cancel);
        using var lines = new StreamReader(answer.Content.Headers.ContentEncoding.Contains("gzip") ? new GZipStream(body, CompressionMode.Decompress) : body);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (await lines.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("event:", StringComparison.Ordinal)) return line;
        }

        return "";
    }

    private static IEnumerable<string> Paths(string document) =>
        JsonElement.Parse(document).GetProperty("paths").EnumerateObject().Select(path => path.Name).Order();

    private sealed class FailingPart(Task failure) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => failure.WaitAsync(stoppingToken);
    }

    public sealed record Said(string Text);

    private sealed class TheirHub : Hub
    {
        public Task Say(Said said) => Clients.Caller.SendAsync("Heard", said);
    }

    private sealed class TheirFilter : IHubFilter
    {
        public ValueTask<object?> InvokeMethodAsync(HubInvocationContext context, Func<HubInvocationContext, ValueTask<object?>> next) =>
            context.HubMethodArguments is [Said said]
                ? next(new HubInvocationContext(context.Context, context.ServiceProvider, context.Hub, context.HubMethod, [new Said($"{said.Text}, filtered")]))
                : throw new HubException("This filter is not for this hub.");
    }

    private sealed class TheirLogin(IOptionsMonitor<AuthenticationSchemeOptions> options, Microsoft.Extensions.Logging.ILoggerFactory loggers,
        System.Text.Encodings.Web.UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Request.Headers["X-Login"].FirstOrDefault() is { } user
            ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, user)],
                Scheme.Name)), Scheme.Name))
            : AuthenticateResult.NoResult());
    }
}
