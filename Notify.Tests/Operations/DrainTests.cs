using System.Diagnostics;
using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Notify.Server;
using Notify.Server.Hosting;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Operations;

/// <summary>SIGTERM of a real node: what it answers meanwhile, and how long it takes.</summary>
public class DrainTests(PostgresCluster postgres)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_idle_node_is_gone_within_two_seconds_and_exits_with_0()
    {
        await using var server = await ServerProcess.StartAsync();
        await server.PublishAsync("drain/idle", "one");
        var stopping = Stopwatch.StartNew();
        await server.TerminateAsync(Limit);
        Assert.Equal(0, server.ExitCode);
        Assert.True(stopping.Elapsed < TimeSpan.FromSeconds(2), $"It took {stopping.Elapsed}.");
    }

    // In this process, on a time that stands still: what is over in 20 ms otherwise is looked at for as long as it takes.
    [Fact]
    public async Task A_leaving_node_is_unready_and_takes_neither_negotiates_nor_connections_nor_streams()
    {
        using var folder = new TempFolder();
        var time = new FakeTimeProvider();
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection([new("Notify:Storage:SqlitePath", folder.File("notify.db")), new("Urls", "http://127.0.0.1:0")]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.AddProcess();
        builder.Services.AddNotify(builder.Configuration, builder.Environment);
        await using var app = builder.Build();
        app.MapNotify();
        app.MapNotifyProcess();
        await app.StartAsync(Cancel);
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        await Eventually.TrueAsync(async () => await StatusAsync(http, HttpMethod.Get, "health/ready") == HttpStatusCode.OK, "it is ready");

        var stopping = Task.Run(() => app.StopAsync(CancellationToken.None), Cancel);
        await Eventually.TrueAsync(async () =>
            await StatusAsync(http, HttpMethod.Get, "health/ready") == HttpStatusCode.ServiceUnavailable, "readiness answers 503");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(http, HttpMethod.Post, "hubs/notifications/negotiate?negotiateVersion=1"));
        Assert.Contains("retry: ", await http.GetStringAsync(new Uri("api/v1/stream?filter=a", UriKind.Relative), Cancel), StringComparison.Ordinal);
        using var late = new ClientWebSocket();
        late.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(() =>
            late.ConnectAsync(new UriBuilder(new Uri(http.BaseAddress, "hubs/notifications")) { Scheme = "ws" }.Uri, Cancel));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, late.HttpStatusCode);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, HttpMethod.Get, "health/live"));
        using var published = await http.PostAsync(new Uri("api/v1/topics/drain", UriKind.Relative), new StringContent("still taken"), Cancel);
        Assert.Equal(HttpStatusCode.Created, published.StatusCode);

        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(20));
                return stopping.IsCompleted;
            },
            "it stops");
        await stopping;
    }

    [Fact]
    public async Task An_event_stream_ends_at_once_and_in_good_order()
    {
        await using var server = await ServerProcess.StartAsync();
        using var response =
            await server.Http.GetAsync(new Uri("api/v1/stream?filter=drain/%23&since=0", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancel);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancel));
        await server.PublishAsync("drain/stream", "last words");
        while (await reader.ReadLineAsync(Cancel).AsTask().WaitAsync(Limit, Cancel) is { } line && !line.Contains("last words", StringComparison.Ordinal))
        {
            // what comes before it
        }

        var stopping = Stopwatch.StartNew();
        await server.TerminateAsync(Limit);
        await reader.ReadToEndAsync(Cancel).WaitAsync(Limit, Cancel); // throws when the stream was cut and not ended
        Assert.Equal(0, server.ExitCode);
        Assert.True(stopping.Elapsed < TimeSpan.FromSeconds(2), $"It took {stopping.Elapsed}.");
    }

    [Fact]
    public async Task A_publish_in_flight_is_answered_before_the_node_exits()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var server = await ServerProcess.StartAsync(("ConnectionStrings:Postgres", postgres.ConnectionString(database)));
        await server.PublishAsync("drain/inflight", "before");

        await using var blocker = await postgres.ConnectAsync(database);
        await using var transaction = await blocker.BeginTransactionAsync(Cancel);
        await using (var command = blocker.CreateCommand())
        {
            command.CommandText = "SELECT 1 FROM log_head FOR UPDATE";
            await command.ExecuteNonQueryAsync(Cancel);
        }

        var publish = server.PublishAsync("drain/inflight", "while it leaves");
        await Eventually.TrueAsync(
            async () => await postgres.ScalarAsync<long>(database,
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") > 0,
            "the append waits for the lock");
        var terminating = server.TerminateAsync(Limit);
        await Eventually.TrueAsync(() => RefusesConnectionsAsync(server), "the node no longer listens");
        Assert.False(publish.IsCompleted);

        await transaction.CommitAsync(Cancel);
        Assert.Equal(2, await publish);
        await terminating;
        Assert.Equal(0, server.ExitCode);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, HttpMethod method, string target)
    {
        using var request = new HttpRequestMessage(method, new Uri(target, UriKind.Relative));
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        return response.StatusCode;
    }

    private static async Task<bool> RefusesConnectionsAsync(ServerProcess server)
    {
        using var client = new System.Net.Sockets.TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, server.Url.Port, Cancel);
            return false;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return true;
        }
    }
}
