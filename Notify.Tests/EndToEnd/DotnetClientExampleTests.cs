using System.Text.RegularExpressions;
using DotnetClients;
using Notify.Client;
using Notify.Contracts.Publishing;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>The .NET examples, as they are.</summary>
public sealed partial class DotnetClientExampleTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task A_backend_publishes_through_a_restart_and_a_follower_and_a_worker_get_every_order_once()
    {
        using var folder = new TempFolder();
        await using var server = await ServerProcess.StartAsync();
        var environment = new Dictionary<string, string?> { ["NOTIFY_URL"] = server.Url.GetLeftPart(UriPartial.Authority) };
        await using var follower = ChildProcess.Start("dotnet", [Repository.DotnetClientsDll, "follow", "orders/#"], folder.Path, environment);
        await using var worker = ChildProcess.Start("dotnet", [Repository.DotnetClientsDll, "work"], folder.Path, environment);
        await follower.WaitForLineAsync(line => line == "-- live", TimeSpan.FromSeconds(60));
        await worker.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        await using var backend = ChildProcess.Start("dotnet", [Repository.DotnetClientsDll, "publish", "300"], folder.Path, environment);
        await backend.WaitForLineAsync(line => line.StartsWith('#'), TimeSpan.FromSeconds(60));
        await server.RestartAsync();
        await backend.WaitForExitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, backend.ExitCode);
        await follower.WaitForLineAsync(line => line.EndsWith("orders/300/paid: Order 300 is paid", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        await worker.WaitForLineAsync(line => line == "booked order 300 over 3000", TimeSpan.FromSeconds(60));
        Assert.Equal(Enumerable.Range(1, 300), follower.Lines.Select(line => Order().Match(line)).Where(match => match.Success)
            .Select(match => int.Parse(match.Groups["id"].Value, System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task The_inbox_of_a_desktop_app_shows_counts_items_and_how_the_connection_is()
    {
        await using var client = new NotifyClient(new NotifyClientOptions { Url = fixture.Url, User = "desk", Inbox = true });
        using var inbox = new InboxViewModel(client);
        var changed = new Observed<string>();
        inbox.PropertyChanged += (_, what) => changed.Add(what.PropertyName!);
        await client.StartAsync(TestContext.Current.CancellationToken);
        await new NotifyPublisher(fixture.Server.Http)
            .PublishAsync(new PublishRequest { User = "desk", Title = "Hello" }, TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => inbox is { Unread: 1, Badge: "1", Status: "" }, "the badge does not show the arrival");
        await inbox.OpenAsync(TestContext.Current.CancellationToken);
        Assert.Equal("Hello", Assert.Single(inbox.Items).Notification.Title);
        await inbox.ReadAllAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => inbox.Badge == "", "the badge does not show that all is read");
        Assert.Contains("Badge", changed.Items);
    }

    [Fact]
    public async Task Every_request_of_the_HTTP_file_is_one_that_the_service_takes()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "requests", "notify.http"), TestContext.Current.CancellationToken);
        var requests = text.Split("\n###").Skip(1).ToArray();
        Assert.Equal(12, requests.Length);
        foreach (var block in requests)
        {
            var match = Request().Match(block);
            using var request = new HttpRequestMessage(new HttpMethod(match.Groups["method"].Value), new Uri(fixture.Url, match.Groups["path"].Value.Trim()));
            if (match.Groups["body"].Value.Trim() is { Length: > 0 } body)
                request.Content = new StringContent(body, null, Header(block, "Content-Type") ?? "application/json");
            if (Header(block, "Idempotency-Key") is { } key) request.Headers.Add("Idempotency-Key", key);
            using var answer = await fixture.Server.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode,
                $"{block}\n{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        }
    }

    private static string? Header(string block, string name) =>
        Regex.Match(block, $"^{name}: (.+)$", RegexOptions.Multiline, TimeSpan.FromSeconds(1)) is { Success: true } match ? match.Groups[1].Value.Trim() : null;

    [GeneratedRegex(@"#\d+ orders/(?<id>\d+)/paid: Order", RegexOptions.ExplicitCapture)]
    private static partial Regex Order();

    [GeneratedRegex(@"^(?<method>GET|POST|PUT) \{\{host\}\}(?<path>\S+)\n(?<headers>([\w-]+: .+\n)*)(\n(?<body>[\s\S]*))?",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline)]
    private static partial Regex Request();
}
