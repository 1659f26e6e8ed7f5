using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>The database goes away and comes back: publishers are told, connections stay, and nothing needs a restart.</summary>
public sealed class StorageOutageTests
{
    [Fact]
    public async Task A_database_that_is_down_gives_503_and_everything_goes_on_when_it_is_back()
    {
        await using var postgres = new PostgresCluster();
        var database = await postgres.CreateDatabaseAsync();
        await using var server = await ServerProcess.StartAsync(("ConnectionStrings:Postgres", postgres.ConnectionString(database)));
        await using var follower = new StockFollower(server.Url);
        await follower.ResumeAsync(0, null, "outage");
        await server.PublishAsync("outage", "before");
        await follower.Received.CountAsync(1);

        await postgres.StopAsync(immediate: true);
        using var refused = await PostAsync(server, "lost or not");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal("storage_unavailable", (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
        Assert.NotNull(refused.Headers.RetryAfter);
        using var ready = await server.Http.GetAsync(new Uri("health/ready", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.Contains("degraded", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        await postgres.StartAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                using var answer = await PostAsync(server, "after");
                return answer.StatusCode == HttpStatusCode.Created;
            },
            "publishing works again");
        await follower.Received.FirstAsync(n => n.Body == "after");
        Assert.Empty(follower.Closed.Items);

        // Refused ones may be stored; each is so at most once, and what is stored is what was delivered.
        var stored = await server.ReadAllAsync("outage");
        await follower.Received.CountAsync(stored.Count);
        Assert.Equal(stored.Select(n => n.Version), follower.Received.Items.Select(n => n.Version));
        Assert.True(stored.Count(n => n.Body == "lost or not") <= 1);
        Assert.Equal("before", stored[0].Body);
    }

    [Fact]
    public async Task A_service_that_starts_before_its_database_is_alive_and_becomes_ready_with_it()
    {
        await using var postgres = new PostgresCluster();
        var database = await postgres.CreateDatabaseAsync();
        await postgres.StopAsync();
        var starting = ServerProcess.StartAsync(("ConnectionStrings:Postgres", postgres.ConnectionString(database)));
        await postgres.StartAsync();
        await using var server = await starting; // ready
        Assert.Equal(1, await server.PublishAsync("late", "x"));
    }

    private static Task<HttpResponseMessage> PostAsync(ServerProcess server, string body) =>
        server.Http.PostAsJsonAsync(new Uri("api/v1/notifications", UriKind.Relative), new { topic = "outage", body });
}
