using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Notify.Engine.Configuration;
using Notify.Server;
using Notify.Server.Configuration;
using Notify.Server.Hosting;
using Notify.Storage;
using Notify.Storage.Log;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Hosting;

/// <summary>
/// Settings and storage of the service in an app: a mistake throws where the app is made; a storage or a part that fails never ends the app.
/// </summary>
public sealed class GuestStartTests : SomebodysAppTestBase
{
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

    private sealed class FailingPart(Task failure) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => failure.WaitAsync(stoppingToken);
    }
}
