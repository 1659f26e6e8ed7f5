using System.Net;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using Notify.Client;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Deployment;

/// <summary>A proxy's block as the documentation prints it, before two nodes: what every client with its defaults may expect of it.</summary>
public abstract class ProxySpecification(PostgresCluster postgres) : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly TempFolder _folder = new();
    private readonly ReservedPort _port = new();
    private readonly List<ServerProcess> _nodes = [];
    private IAsyncDisposable? _proxy;
    private Uri _url = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var database = await postgres.CreateDatabaseAsync();
        for (var i = 0; i < 2; i++)
        {
            _nodes.Add(await ServerProcess.StartAsync(
                ("environment", "Production"),
                ("Notify:Auth:AllowAnonymous", "true"),
                ("ForwardedHeaders_Enabled", "true"),
                ("ConnectionStrings:Postgres", postgres.ConnectionString(database))));
        }

        _url = new Uri($"http://127.0.0.1:{_port}");
        _http = new HttpClient { BaseAddress = _url };
        _proxy = await StartProxyAsync(_folder, _nodes[0].Url.Port, _nodes[1].Url.Port, _port.Number);
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (_proxy is not null) await _proxy.DisposeAsync();
        foreach (var node in _nodes) await node.DisposeAsync();
        _http?.Dispose();
        _port.Dispose();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_the_project_ships_and_stock_clients_connect_by_every_transport()
    {
        await DotNetAsync(null); // as it comes: WebSockets, negotiated
        foreach (var transport in new[] { HttpTransportType.WebSockets, HttpTransportType.ServerSentEvents, HttpTransportType.LongPolling })
            await DotNetAsync(transport);
        await JavaScriptAsync("json", "");
        await JavaScriptAsync("messagepack", "");
        await JavaScriptAsync("json", "LongPolling");
        await JavaScriptAsync("json", "ServerSentEvents");
        await ShippedAsync();
    }

    private async Task DotNetAsync(HttpTransportType? transport)
    {
        // Several, one after the other, so that the node with fewer connections is now this one and now that one.
        var clients = new List<HubConnection>();
        var received = new Observed<string>();
        try
        {
            for (var i = 0; i < 4; i++)
            {
                var client = new HubConnectionBuilder()
                    .WithUrl(new Uri(_url, "/hubs/notifications"), options => options.Transports = transport ?? options.Transports).Build();
                clients.Add(client);
                client.On<StockNotification>("Notification", n => received.Add(n.Body!));
                await client.StartAsync(Cancel);
                await client.InvokeAsync<StockPlace>("Resume", new Dictionary<string, object> { ["topics"] = new[] { "stock/#" } }, Cancel);
            }

            await PublishAsync("stock/a", "one");
            await PublishAsync("stock/a", "two");
            await received.CountAsync(8, Limit);
        }
        finally
        {
            foreach (var client in clients) await client.DisposeAsync();
        }
    }

    private async Task JavaScriptAsync(string protocol, string transport)
    {
        var scripts = new List<NodeScript>();
        try
        {
            for (var i = 0; i < 3; i++)
            {
                var script = await NodeScript.StartAsync(new Dictionary<string, string?> { ["TRANSPORT"] = transport }, "follow.mjs", Base, protocol, "js/#");
                scripts.Add(script);
                await script.WaitForAsync("caughtUp");
            }

            await PublishAsync("js/a", "one");
            foreach (var script in scripts) await script.WaitForAsync("notification", n => n.GetProperty("body").GetString() == "one");
        }
        finally
        {
            foreach (var script in scripts) await script.DisposeAsync();
        }
    }

    private async Task ShippedAsync()
    {
        await using (var client = new NotifyClient(new NotifyClientOptions { Url = _url, Topics = ["shipped/#"] }))
        {
            await client.StartAsync(Cancel);
            await PublishAsync("shipped/a", "for the client");
            await foreach (var notification in client.Notifications.WithCancellation(Cancel))
            {
                Assert.Equal("for the client", notification.Body);
                break;
            }
        }

        await using (var script =
            await NodeScript.StartExampleAsync("follow.mjs",
            new Dictionary<string, string?> { ["NOTIFY_URL"] = Base, ["NOTIFY_AT"] = _folder.File("at.json") }, _folder))
        {
            await script.WaitForLineAsync(line => line.StartsWith("-- live", StringComparison.Ordinal));
            await PublishAsync("shipped/b", "for the script");
            await script.WaitForLineAsync(line => line.EndsWith("shipped/b: for the script", StringComparison.Ordinal));
        }

        string[] files = [Path.Combine(Repository.Root, "examples", "plain-signalr"), Path.Combine(Repository.Root, "Notify.Server", "Page")];
        await using var page = await NodeScript.StartAsync(
            "plain-signalr.mjs", [Base, Directory.CreateDirectory(_folder.File("pictures")).FullName, ChromiumPage.Executable, .. files]);
        await page.WaitForExitAsync(Limit);
    }

    [Fact]
    public async Task An_event_stream_is_never_refused_for_good_and_the_metrics_are_not_for_the_world()
    {
        await HidesMetricsAsync();
        using (var stream = await Streaming.EventStream.OpenAsync(_http, "filter=sse/%23"))
        {
            await stream.Events.FirstAsync(e => e.Name == "caught-up", Limit);
            await PublishAsync("sse/a", "through the proxy");
            await stream.Events.FirstAsync(e => e.Data.Contains("through the proxy", StringComparison.Ordinal), Limit);
        }

        await OutlivesARestartAndALossAsync();
        foreach (var node in _nodes) await node.KillAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/v1/stream?filter=sse/%23") { Headers = { { "Origin", "https://shop.example" } } };
        using var answer = await _http.SendAsync(request, Cancel);
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.Equal("retry: 3000\n\n", await answer.Content.ReadAsStringAsync(Cancel));
        Assert.Equal("https://shop.example", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
    }

    private async Task OutlivesARestartAndALossAsync()
    {
        await _nodes[0].TerminateAsync();
        await ReadAsync(8); // the other one has them all, and the proxy has found the first one away
        await _nodes[0].RestartAsync();
        await TakenAgainAsync(_nodes[0]);
        await _nodes[1].KillAsync();
        await ReadAsync(1);
        await DotNetAsync(null);
        await DotNetAsync(HttpTransportType.LongPolling);
    }

    private async Task ReadAsync(int times)
    {
        for (var i = 0; i < times; i++)
        {
            using var answer = await _http.GetAsync(new Uri("api/v1/notifications", UriKind.Relative), Cancel);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    /// <summary>Waits until the proxy that looks after nodes by itself has seen this one ready; one that does not takes it at once.</summary>
    private protected virtual Task TakenAgainAsync(ServerProcess node) => Task.CompletedTask;

    private async Task HidesMetricsAsync()
    {
        foreach (var path in new[] { "/metrics", "/metrics/", "/METRICS", "//metrics", "/%6detrics", "/metrics?x=1", "/a/../metrics", "/./metrics",
            "/a/%2e%2e/metrics" })
        {
            var lines = await ChildProcess.RunAsync("curl", ["-s", "--path-as-is", "-o", "answer", "-w", "%{http_code}\n", $"{Base}{path}"], _folder.Path,
                Limit);
            Assert.True(lines[^1] is "404" or "400", $"{path}: {lines[^1]}");
            Assert.DoesNotContain("notify_", await File.ReadAllTextAsync(_folder.File("answer"), Cancel), StringComparison.Ordinal);
        }

        await PublishAsync("a/metrics", "a topic of that name is not meant");
    }

    private string Base => _url.ToString().TrimEnd('/');

    /// <summary>Starts the block as printed, with addresses and file names of this machine, and a port without TLS besides.</summary>
    private protected abstract Task<IAsyncDisposable> StartProxyAsync(TempFolder folder, int first, int second, int port);

    /// <summary>A block of a document, after the comment that names it.</summary>
    private protected static string Block(string document, string name)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, document));
        var start = text.IndexOf($"<!-- {name} -->", StringComparison.Ordinal);
        var from = text.IndexOf('\n', text.IndexOf("```", start, StringComparison.Ordinal)) + 1;
        return text[from..text.IndexOf("\n```", from, StringComparison.Ordinal)];
    }

    private protected static string Replace(string text, string old, string by)
    {
        Assert.Contains(old, text, StringComparison.Ordinal);
        return text.Replace(old, by, StringComparison.Ordinal);
    }

    private async Task PublishAsync(string topic, string body)
    {
        using var content = new StringContent(body);
        using var answer = await _http.PostAsync(new Uri($"api/v1/topics/{topic}", UriKind.Relative), content, Cancel);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }
}
