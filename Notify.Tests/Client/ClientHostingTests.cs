using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Notify.Client;
using Notify.Contracts;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Client;

public sealed partial class ClientHostingTests
{
    [Fact]
    public async Task Workers_share_one_client_and_every_one_gets_everything_from_the_first_on()
    {
        await using var service = await StubService.StartAsync(request => new StubAnswer(
            new Notify.Contracts.Hub.ResumeResult(2, "e1", request.Since ?? 0, []),
            [StubService.Make(1, "orders/1") with { Data = JsonElement.Parse("""{"id":1}""") }, StubService.Make(2, "orders/2") with { Data = JsonElement.Parse("""{"id":2}""") }, new Notify.Contracts.Hub.CaughtUp(2, "e1")]));
        var builder = Builder(("Notify:Client:Url", service.Url.AbsoluteUri), ("Notify:Client:Topics:0", "orders/#"), ("Notify:Client:Token", "ntf_x"));
        builder.Services.AddNotifyClient();
        builder.Services.AddSingleton<Observed<string>>();
        builder.Services.AddHostedService<Mailer>();
        builder.Services.AddHostedService<Booker>();
        builder.Services.AddHealthChecks().AddNotifyClient();
        using var host = builder.Build();
        await host.StartAsync(Token);
        Assert.Equal(["mail 1", "book 1", "mail 2", "book 2"], await host.Services.GetRequiredService<Observed<string>>().CountAsync(4));
        Assert.Equal(["orders/#"], Assert.Single(service.Resumes.Items).Topics);

        var health = host.Services.GetRequiredService<HealthCheckService>();
        await Eventually.TrueAsync(async () => (await health.CheckHealthAsync(Token)).Status == HealthStatus.Healthy, "the client did not come to it");
        await host.StopAsync(Token);
        Assert.Equal(HealthStatus.Unhealthy, (await health.CheckHealthAsync(Token)).Entries["notify"].Status);
    }

    [Theory]
    [InlineData("Notify:Client:Url", "ftp://x", "Notify:Client: Url is an absolute http or https address.")]
    [InlineData("Notify:Client:Url", "nowhere", "Notify:Client:Url is 'nowhere'")]
    [InlineData("Notify:Client:Uri", "http://x", "Notify:Client:Uri is no setting.")]
    [InlineData("Notify:Client:BufferSize", "many", "Notify:Client:BufferSize is 'many': it must be a whole number.")]
    [InlineData("Notify:Client:Inbox", "true", "Notify:Client: Url or Addresses says where the service is.")]
    public async Task A_wrong_setting_stops_the_start_with_its_name(string key, string value, string message)
    {
        var builder = Builder((key, value));
        builder.Services.AddNotifyClient();
        using var host = builder.Build();
        var error = await Assert.ThrowsAnyAsync<Exception>(() => host.StartAsync(Token));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_services_have_keys()
    {
        var builder = Builder(
            ("Notify:Clients:orders:Url", "http://orders.test"), ("Notify:Clients:people:Addresses:0", "http://a.test"),
                ("Notify:Clients:people:Addresses:1", "http://b.test"),
            ("Notify:Publishers:orders:Url", "http://orders.test"), ("Notify:Publisher:Url", "http://all.test"));
        builder.Services.AddNotifyClient("orders").AddNotifyClient("people", settings => settings.Topics.Add("people/#"));
        builder.Services.AddNotifyPublisher("orders");
        builder.Services.AddNotifyPublisher();
        using var host = builder.Build();
        Assert.Equal("http://orders.test/", host.Services.GetRequiredKeyedService<NotifyClient>("orders").Address.AbsoluteUri);
        Assert.Equal("http://a.test/", host.Services.GetRequiredKeyedService<NotifyClient>("people").Address.AbsoluteUri);
        Assert.NotSame(host.Services.GetRequiredKeyedService<NotifyPublisher>("orders"), host.Services.GetRequiredService<NotifyPublisher>());
    }

    [Fact]
    public async Task A_worker_ends_with_the_error_that_stops_its_client()
    {
        await using var service = await StubService.StartAsync(_ => throw new Microsoft.AspNetCore.SignalR.HubException("forbidden: Ask for a grant."));
        var builder = Builder(("Notify:Client:Url", service.Url.AbsoluteUri));
        builder.Services.AddNotifyClient();
        builder.Services.AddSingleton<Observed<string>>();
        builder.Services.AddHostedService<Mailer>();
        using var host = builder.Build();
        await host.StartAsync(Token);
        var worker = (BackgroundService)host.Services.GetServices<IHostedService>().Single(one => one is Mailer);
        Assert.Equal(ErrorCodes.Forbidden, (await Assert.ThrowsAsync<NotifyException>(() => worker.ExecuteTask!)).Code);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static HostApplicationBuilder Builder(params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.Logging.ClearProviders();
        return builder;
    }

    private sealed class Mailer(NotifyClient client, Observed<string> seen) : NotificationHandler(client, "orders/+")
    {
        protected override Task HandleAsync(Notification notification, CancellationToken cancellationToken)
        {
            seen.Add($"mail {notification.Version}");
            return Task.CompletedTask;
        }
    }

    private sealed class Booker(NotifyClient client, Observed<string> seen) : NotificationHandler<Order>(client, HostingShopJson.Default.Order, "orders/+")
    {
        protected override Task HandleAsync(Notification notification, Order data, CancellationToken cancellationToken)
        {
            seen.Add($"book {data.Id}");
            return Task.CompletedTask;
        }
    }

    internal sealed record Order(int Id);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(Order))]
    private sealed partial class HostingShopJson : JsonSerializerContext;
}
