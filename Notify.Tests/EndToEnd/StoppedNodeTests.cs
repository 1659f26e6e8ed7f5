using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>
/// A node that is stopped (SIGSTOP) while the server waits for the rest of its batch keeps the log's lock, and its kernel keeps the
/// connection alive. Before Postgres 17 no timeout of the server's fires then: another node ends it.
/// </summary>
public sealed class StoppedNodeTests(PostgresCluster cluster)
{
    private static readonly Uri Path = new("/api/v1/notifications", UriKind.Relative);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Another_node_goes_on_and_what_the_stopped_one_was_asked_is_done_once()
    {
        var database = await cluster.CreateDatabaseAsync();
        await using var proxy = new TcpProxy(cluster.Port);
        await using var stopped = await ServerProcess.StartAsync(("ConnectionStrings:Postgres", PostgresCluster.ConnectionString(database, proxy.Port)));
        await using var other = await ServerProcess.StartAsync(("ConnectionStrings:Postgres", cluster.ConnectionString(database)));
        await PublishedAsync(stopped, "before");

        // Of the next batch the server gets the beginning, which takes the lock, and never the rest.
        proxy.RequestBytes = 20_000;
        var large = new { topic = "t", title = "large", data = new string('x', 30_000), idempotencyKey = "large" };
        using var asking = new HttpClient { BaseAddress = stopped.Url, Timeout = TimeSpan.FromMinutes(2) };
        var asked = asking.PostAsJsonAsync(Path, large, Stop);
        await Eventually.TrueAsync(
            async () => await cluster.ScalarAsync<long>(
                "postgres",
                $"""
                SELECT count(*) FROM pg_stat_activity AS a JOIN pg_locks AS l ON l.pid = a.pid AND l.granted AND l.mode = 'RowShareLock' AND l.locktype = 'relation'
                WHERE a.datname = '{database}' AND a.wait_event = 'ClientRead'
                """) > 0,
            "the server has taken a lock and waits for the rest");
        await stopped.SignalAsync("STOP");
        proxy.RequestBytes = null; // what is gone is gone

        await PublishedAsync(other, "meanwhile");
        await Eventually.TrueAsync(() =>
            other.Output.Any(line => line.Contains("stopped in the middle of a batch", StringComparison.Ordinal)), "the other node says what it did");
        await stopped.SignalAsync("CONT");
        using (var answer = await asked)
        {
            if (!answer.IsSuccessStatusCode)
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode); // may be stored; repeating it is safe
                await AgainAsync(() => asking.PostAsJsonAsync(Path, large, Stop));
            }
        }

        await PublishedAsync(stopped, "after");
        var page = await other.Http.GetFromJsonAsync<JsonElement>("/api/v1/notifications?filter=t&since=0", Stop);
        var titles = page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("title").GetString()!).ToList();
        Assert.Equal(titles.Count, titles.Distinct().Count());
        Assert.Equal(["after", "before", "large", "meanwhile"], titles.Order());
    }

    private static Task PublishedAsync(ServerProcess server, string title) =>
        AgainAsync(() => server.Http.PostAsJsonAsync(Path, new { topic = "t", title, idempotencyKey = title }, Stop));

    /// <summary>As publishers do: again while it is not known, or unavailable.</summary>
    private static Task AgainAsync(Func<Task<HttpResponseMessage>> ask) => Eventually.TrueAsync(
        async () =>
        {
            using var answer = await ask();
            Assert.True(answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.ServiceUnavailable, await answer.Content.ReadAsStringAsync(Stop));
            return answer.IsSuccessStatusCode;
        },
        "answered");
}
