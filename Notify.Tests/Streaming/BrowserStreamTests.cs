using System.Net;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Streaming;

/// <summary>
/// A browser's own EventSource, which gives up for good at any status but 200, through a restart of service and database in
/// which the service is up first: straight, and through nginx with the answer that the operations guide gives to its own 502.
/// </summary>
public sealed class BrowserStreamTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_EventSource_outlives_a_restart_of_everything_and_misses_nothing(bool throughNginx)
    {
        await using var postgres = new PostgresCluster();
        var database = await postgres.CreateDatabaseAsync();
        await using var server = await ServerProcess.StartAsync(
            ("ConnectionStrings:Postgres", postgres.ConnectionString(database)), ("Notify:Storage:UnreadableLimit", "00:00:02"));
        using var folder = new TempFolder();
        await using var nginx = throughNginx ? await NginxAsync(folder, server.Url.Port) : null;
        var url = nginx is null ? server.Url : new Uri($"http://127.0.0.1:{nginx.Port}");
        await using var page =
            await NodeScript.StartAsync("event-source.mjs", url.ToString().TrimEnd('/'), "news/%23", ChromiumPage.Executable, folder.File("profile"));
        await page.WaitForAsync("caughtUp");
        var first = await server.PublishAsync("news/a", "before");
        await HasAsync(page, first);

        await server.KillAsync();
        await postgres.StopAsync();
        await page.WaitForAsync("lost");
        await server.RestartAsync(untilReady: false);
        await Eventually.TrueAsync(() => RefusedAsync(server), "the stream is refused for now");
        var told = page.Objects.Count(said => said.TryGetProperty("lost", out _));
        await Eventually.TrueAsync(() =>
            page.Objects.Count(said => said.TryGetProperty("lost", out _)) >= told + 2, "the browser came, was refused, and came again", Limit);

        await postgres.StartAsync();
        var second = await Eventually.SucceedsAsync<long, Xunit.Sdk.XunitException>(() => server.PublishAsync("news/a", "after"), "publishing goes on", Limit);
        await HasAsync(page, second);
        Assert.Equal([first, second], page.Objects.Where(said => said.TryGetProperty("version", out _)).Select(said => said.GetProperty("version").GetInt64()));
        Assert.DoesNotContain(page.Objects, said => said.TryGetProperty("state", out var state) && state.GetInt32() == 2);
    }

    private static Task HasAsync(NodeScript page, long version) =>
        Eventually.TrueAsync(() =>
            page.Objects.Any(said => said.TryGetProperty("version", out var seen) && seen.GetInt64() == version), $"the browser has {version}", Limit);

    private static async Task<bool> RefusedAsync(ServerProcess server)
    {
        using var answer =
            await server.Http.GetAsync(new Uri("api/v1/stream?filter=a", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken);
        if (answer.StatusCode != HttpStatusCode.OK) return false;
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        var first = await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Limit);
        return first!.StartsWith(": storage_unavailable", StringComparison.Ordinal);
    }

    private static async Task<PortedNginx> NginxAsync(TempFolder folder, int port)
    {
        var own = new ReservedPort();
        return new PortedNginx(own, await Nginx.StartAsync(folder, $$"""
            server {
                listen 127.0.0.1:{{own}};
                location / { proxy_pass http://127.0.0.1:{{port}}; proxy_set_header Host $http_host; proxy_http_version 1.1; }
                location = /api/v1/stream {
                    proxy_pass http://127.0.0.1:{{port}};
                    proxy_set_header Host $http_host;
                    proxy_http_version 1.1;
                    proxy_buffering off;
                    proxy_read_timeout 75s;
                    error_page 502 503 504 =200 @stream_away;
                }
                location @stream_away {
                    default_type text/event-stream;
                    add_header Cache-Control no-store always;
                    return 200 "retry: 1000\n\n";
                }
            }
            """, own.Number));
    }

    private sealed class PortedNginx(ReservedPort port, Nginx nginx) : IAsyncDisposable
    {
        public int Port => port.Number;

        public async ValueTask DisposeAsync()
        {
            await nginx.DisposeAsync();
            port.Dispose();
        }
    }
}
