using System.Net.Http.Json;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Cluster;

public sealed class TwoNodesOnPostgresTests(PostgresCluster postgres) : TwoNodesSpecification(postgres)
{
    private const string Listeners =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    private readonly PostgresCluster _postgres = postgres;

    internal override Task<NodePair> StartAsync(string database) => NodePair.StartAsync(("ConnectionStrings:Postgres", database));

    [Fact]
    public async Task A_listener_whose_backend_is_terminated_listens_again()
    {
        var database = await _postgres.CreateDatabaseAsync();
        await using var pair = await StartAsync(_postgres.ConnectionString(database));
        using var stop = new CancellationTokenSource();
        var publishing = pair.PublishUntilAsync(stop.Token);
        await pair.HearAsync();

        Assert.Equal(2, await _postgres.ScalarAsync<long>(database, Listeners));
        foreach (var node in pair.Nodes)
            await Eventually.TrueAsync(async () => await NodePair.CountedAsync(node, "notify_link_reconnects") >= 1, "the node listens again");
        await pair.HearAsync();

        await stop.CancelAsync();
        await publishing;
        await pair.CompleteAsync();
    }

    [Fact]
    public async Task An_ephemeral_one_that_no_NOTIFY_can_carry_is_refused()
    {
        await using var node =
            await ServerProcess.StartAsync(("ConnectionStrings:Postgres", _postgres.ConnectionString(await _postgres.CreateDatabaseAsync())));
        using var answer = await node.Http.PostAsJsonAsync(
            new Uri("api/v1/notifications", UriKind.Relative), new { topic = "t", body = new string('e', 7000), ephemeral = true },
                TestContext.Current.CancellationToken);
        Assert.Equal(400, (int)answer.StatusCode);
        var problem = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("invalid_request", problem, StringComparison.Ordinal);
        Assert.Contains("7000 bytes", problem, StringComparison.Ordinal);
    }
}
