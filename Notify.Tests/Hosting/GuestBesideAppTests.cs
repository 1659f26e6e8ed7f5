using System.Net;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Notify.Server;
using Notify.Server.Hosting;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Notify.Tests.Hosting;

/// <summary>What an app has of its own, also its sign-in, stays as it was, and what it has there does not change the service.</summary>
public sealed class GuestBesideAppTests : SomebodysAppTestBase
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

    private static void WithLogin(WebApplicationBuilder builder)
    {
        builder.Services.AddAuthentication("theirs").AddScheme<AuthenticationSchemeOptions, TheirLogin>("theirs", null);
        builder.Services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }

    private static IEnumerable<string> Paths(string document) =>
        JsonElement.Parse(document).GetProperty("paths").EnumerateObject().Select(path => path.Name).Order();

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

    private sealed class TheirLogin(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers,
        UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Request.Headers["X-Login"].FirstOrDefault() is { } user
            ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, user)],
                Scheme.Name)), Scheme.Name))
            : AuthenticateResult.NoResult());
    }
}
