using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Notify.Client;
using Notify.Contracts;
using Notify.Contracts.Publishing;
using Notify.Tests.Fixtures;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Notify.Tests.EndToEnd;

/// <summary>
/// The C# of the documentation, compiled and run: what stands between <c>// Printed</c> and <c>// End</c> here is what the page prints,
/// but for addresses and files. Whole programs are built and run by <see cref="PackageTests"/>.
/// </summary>
public sealed partial class PrintedCodeTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_client_and_the_publisher_of_the_page_on_clients()
    {
        IsPrinted("clients", "follow");
        IsPrinted("clients", "publish");
        using var folder = new TempFolder();
        var (a, b, cursor) = (fixture.Url, new Uri($"http://localhost:{fixture.Url.Port}"), folder.File("cursor.json"));
        var booked = new Observed<decimal>();
        Task Book(OrderPaid order, CancellationToken token)
        {
            token.ThrowIfCancellationRequested();
            booked.Add(order.Total);
            return Task.CompletedTask;
        }

        var tokens = new NoTokens();

        // Printed: follow
        await using var client = new NotifyClient(new()
        {
            Addresses = [a, b],
            AccessTokenProvider = () => tokens.GetAsync(),
            Topics = ["orders/#"],
            CursorStore = new FileCursorStore(cursor),
        });
        client.On("orders/+/paid", ShopJson.Default.OrderPaid, (notification, order, token) => Book(order, token));
        await client.StartAsync();
        // End

        // Printed: publish
        var publisher = new NotifyPublisher(new HttpClient { BaseAddress = a });
        await publisher.PublishAsync(new PublishRequest { Topic = "orders/eu/42", Title = "Order 42", Body = "Two items, paid" });
        // End
        await publisher.PublishAsync(new PublishRequest { Topic = "orders/42/paid", Data = JsonElement.Parse("""{"total":31.5}""") });
        Assert.Equal(31.5m, (await booked.CountAsync(1))[0]);
        Assert.Equal("Order 42", Assert.Single(await fixture.Server.ReadAllAsync("orders/eu/42")).Title);
    }

    [Fact]
    public async Task The_host_of_the_page_on_clients()
    {
        IsPrinted("clients", "host");
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Notify:Client:Url"] = fixture.Url.ToString(),
            ["Notify:Client:Topics:0"] = "orders/#",
            ["Notify:Publisher:Url"] = fixture.Url.ToString(),
        });
        var mailed = new Observed<string>();
        builder.Services.AddSingleton(mailed);

        // Printed: host
        builder.Services.AddNotifyClient();                     // Notify:Client:Url, :Topics:0, :CursorFile, …
        builder.Services.AddNotifyPublisher();                  // Notify:Publisher:Url, :Token
        builder.Services.AddHostedService<OrderMailer>();       // class OrderMailer(NotifyClient client) : NotificationHandler(client, "orders/#")
        builder.Services.AddHealthChecks().AddNotifyClient();
        builder.Services.AddOpenTelemetry()
            .WithTracing(tracing => tracing.AddSource(NotifyTelemetry.Name))
            .WithMetrics(metrics => metrics.AddMeter(NotifyTelemetry.Name));
        // End

        using var host = builder.Build();
        await host.StartAsync(Cancel);
        await Eventually.TrueAsync(() => host.Services.GetRequiredService<NotifyClient>().State is NotifyClientState.Live, "the client is live");
        await host.Services.GetRequiredService<NotifyPublisher>().PublishAsync(new PublishRequest { Topic = "orders/mailed", Body = "Sent" }, Cancel);
        Assert.Equal("orders/mailed", (await mailed.CountAsync(1))[0]);
        await host.StopAsync(Cancel);
    }

    private static void IsPrinted(string page, string name)
    {
        var source = File.ReadAllText(Path.Combine(Repository.Root, "Notify.Tests", "EndToEnd", "PrintedCodeTests.cs"));
        var here = Between().Matches(source).Single(match => match.Groups["name"].Value == name).Groups;
        var code = here["code"].Value.Replace("\n" + here["indent"].Value, "\n", StringComparison.Ordinal).Trim();
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docs", page + ".md"));
        var printed = Block().Matches(text).Select(match => Usings().Replace(match.Groups["code"].Value, "")
            .Replace("new(\"https://a.notify.example\")", "a", StringComparison.Ordinal)
            .Replace("new(\"https://b.notify.example\")", "b", StringComparison.Ordinal)
            .Replace("new(\"https://notify.example\")", "a", StringComparison.Ordinal)
            .Replace("\"orders.cursor.json\"", "cursor", StringComparison.Ordinal).Trim());
        Assert.Contains(code, printed);
    }

    [GeneratedRegex(@"\n(?<indent> +)// Printed: (?<name>\w+)(?<code>\n.*?)\n +// End", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Between();

    [GeneratedRegex(@"^(?:using .*;\n)+\n")]
    private static partial Regex Usings();

    [GeneratedRegex(@"```csharp\n(?<code>.*?)```", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Block();

    private sealed class NoTokens
    {
        public string? Token { get; init; }

        public Task<string?> GetAsync() => Task.FromResult(Token);
    }

    private sealed class OrderMailer(NotifyClient client, Observed<string> mailed) : NotificationHandler(client, "orders/#")
    {
        protected override Task HandleAsync(Notification notification, CancellationToken cancellationToken)
        {
            mailed.Add(notification.Topic);
            return Task.CompletedTask;
        }
    }

    internal sealed record OrderPaid(decimal Total);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(OrderPaid))]
    private sealed partial class ShopJson : JsonSerializerContext;
}
