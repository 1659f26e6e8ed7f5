using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.SignalR.Client;
using Notify.Tests.Fixtures;
using Npgsql;

namespace Notify.Tests.EndToEnd;

/// <summary><c>examples/in-your-app</c> in a process of its own, run as a copy of it would be.</summary>
public sealed partial class InYourAppTests(PostgresCluster postgres)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_example_app_keeps_all_that_is_its_own_and_its_customers_are_notified()
    {
        var database = await postgres.CreateDatabaseAsync();
        using var folder = new TempFolder();
        await using var app = Start(folder, $"--ConnectionStrings:Shop={postgres.ConnectionString(database)}");
        var url = await ListeningAsync(app);
        var cookies = new CookieContainer();
        using var customer = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = cookies }) { BaseAddress = url };

        // The shop's own: its fallback policy, login, page, document, health and hub.
        using (var stranger = await customer.GetAsync(new Uri("/", UriKind.Relative), Cancel))
            Assert.Equal((HttpStatusCode.Redirect, "/login"), (stranger.StatusCode, stranger.Headers.Location?.AbsolutePath));
        using (var form = new FormUrlEncodedContent([new("user", "alice")]))
        using (var login = await customer.PostAsync(new Uri("/login", UriKind.Relative), form, Cancel))
            Assert.Equal("/", login.Headers.Location?.ToString());
        Assert.Contains("<h1>The shop</h1>", await customer.GetStringAsync(new Uri("/", UriKind.Relative), Cancel), StringComparison.Ordinal);
        Assert.NotEmpty(await customer.GetStringAsync(new Uri("/signalr.min.js", UriKind.Relative), Cancel));
        Assert.Equal("alice", await customer.GetStringAsync(new Uri("/me", UriKind.Relative), Cancel));
        Assert.Equal(["/me", "/orders"], await PathsAsync(customer, "/openapi/v1.json"));
        Assert.All(await PathsAsync(customer, "/openapi/notify.json"), path => Assert.StartsWith("/notify/api/v1/", path, StringComparison.Ordinal));
        await Eventually.TrueAsync(async () => await HealthAsync(customer) == "Healthy", "the shop's health is healthy");
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(customer, "/metrics"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(customer, "/api/v1/notifications"));

        // An order notifies its customer, over the hub below /notify; the shop's cookie says which customer connects.
        await using var follower = FollowerOf(url, cookies);
        var received = new Observed<StockNotification>();
        follower.On<StockNotification>("Notification", received.Add);
        await follower.StartAsync(Cancel);
        Assert.Equal("alice", (await follower.InvokeAsync<JsonElement>("Resume", new { topics = new[] { "news/#" } }, Cancel)).GetProperty("user").GetString());
        using (var ordered = await customer.PostAsJsonAsync(new Uri("/orders", UriKind.Relative), new { total = 31.5 }, Cancel))
            Assert.Equal(HttpStatusCode.Created, ordered.StatusCode);
        Assert.Equal("Order 1 received", (await received.CountAsync(1))[0].Title);

        // Notify's calls, with what the configuration grants, from the shop's own pages alone.
        Assert.Equal(HttpStatusCode.Forbidden, (await FeedbackAsync(customer, "alice")).StatusCode); // by the cookie, and nothing says from where
        Assert.Equal(HttpStatusCode.Forbidden, (await FeedbackAsync(customer, "alice", ("Sec-Fetch-Site", "cross-site"))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await FeedbackAsync(customer, "alice", ("Origin", "https://evil.example"))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await FeedbackAsync(customer, "bob", ("Sec-Fetch-Site", "same-origin"))).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await FeedbackAsync(customer, "alice", ("Sec-Fetch-Site", "same-origin"))).StatusCode);
        await using (var crossSite = FollowerOf(url, cookies, "https://evil.example"))
            Assert.Equal(HttpStatusCode.Forbidden, (await Assert.ThrowsAsync<HttpRequestException>(() => crossSite.StartAsync(Cancel))).StatusCode);
        using var posted = await FeedbackAsync(customer, "alice", ("Origin", url.GetLeftPart(UriPartial.Authority)));
        Assert.StartsWith("/notify/api/v1/notifications/", posted.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(customer, posted.Headers.Location!.ToString())); // may be said, not read
        Assert.Equal("alice", (await customer.GetFromJsonAsync<JsonElement>("/notify/api/v1/users/me", Cancel)).GetProperty("user").GetString());

        await app.SignalAsync("TERM");
        await app.WaitForExitAsync(Limit);
        Assert.Equal(0, app.ExitCode);
        Assert.Equal(["Orders"], await TablesAsync(database, "public"));
        Assert.NotEmpty(await TablesAsync(database, "notify"));
    }

    [Fact]
    public async Task Without_any_setting_it_runs_on_files_beside_it()
    {
        using var folder = new TempFolder();
        await using var app = Start(folder);
        using var http = new HttpClient { BaseAddress = await ListeningAsync(app) };
        await Eventually.TrueAsync(async () => await HealthAsync(http) == "Healthy", "the shop's health is healthy");
        Assert.Equal(["notify.db", "shop.db"], Directory.GetFiles(folder.File("data"), "*.db").Select(Path.GetFileName).Order());
    }

    private static HubConnection FollowerOf(Uri url, CookieContainer cookies, string? origin = null) =>
        new HubConnectionBuilder().WithUrl(new Uri(url, "/notify/hubs/notifications"), options =>
    {
        options.Cookies = cookies;
        options.Headers["Origin"] = origin ?? url.GetLeftPart(UriPartial.Authority); // as a browser does
    }).Build();

    private static async Task<HttpResponseMessage> FeedbackAsync(HttpClient customer, string user, params (string Name, string Value)[] headers)
    {
        using var request =
            new HttpRequestMessage(HttpMethod.Post,
            new Uri($"/notify/api/v1/topics/feedback/{user}", UriKind.Relative))
            { Content = new StringContent("hello") };
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        return await customer.SendAsync(request, Cancel);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static ChildProcess Start(TempFolder folder, params string[] arguments) => ChildProcess.Start(
        "dotnet",
        [Repository.ExampleAppDll, "--urls=http://127.0.0.1:0", $"--contentRoot={Path.Combine(Repository.Root, "examples", "in-your-app")}", .. arguments],
        folder.Path,
        new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Development", ["ASPNETCORE_URLS"] = null, ["HOME"] = folder.Path });

    private static async Task<Uri> ListeningAsync(ChildProcess app)
    {
        var line = await app.WaitForLineAsync(l => ListeningOn().IsMatch(l), Limit);
        return new Uri(ListeningOn().Match(line).Groups["url"].Value);
    }

    private static async Task<string[]> PathsAsync(HttpClient http, string document) =>
        [.. (await http.GetFromJsonAsync<JsonElement>(new Uri(document, UriKind.Relative), Cancel)).GetProperty("paths").EnumerateObject()
            .Select(path => path.Name).Order()];

    private static async Task<string> HealthAsync(HttpClient http)
    {
        using var answer = await http.GetAsync(new Uri("/health", UriKind.Relative), Cancel);
        return await answer.Content.ReadAsStringAsync(Cancel);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Cancel);
        return answer.StatusCode;
    }

    private async Task<string[]> TablesAsync(string database, string schema)
    {
        await using var connection = await postgres.ConnectAsync(database);
        await using var command = new NpgsqlCommand("SELECT coalesce(array_agg(table_name::text ORDER BY table_name), '{}') FROM information_schema.tables " +
            "WHERE table_schema = $1", connection);
        command.Parameters.Add(new() { Value = schema });
        return (string[])(await command.ExecuteScalarAsync(Cancel))!;
    }

    [GeneratedRegex(@"Now listening on: (?<url>http://\S+)", RegexOptions.ExplicitCapture)]
    private static partial Regex ListeningOn();
}
