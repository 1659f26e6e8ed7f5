using System.Net.Http.Json;
using System.Text.Json;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Cluster;

/// <summary>Two real server processes on one Postgres, whatever joins them.</summary>
public abstract class TwoNodesSpecification(PostgresCluster postgres)
{
    /// <summary>What joins them, besides the database.</summary>
    internal abstract Task<NodePair> StartAsync(string database);

    [Fact]
    public async Task Every_connection_on_every_node_sees_the_same_versions_in_the_same_order()
    {
        await using var pair = await StartAsync(postgres.ConnectionString(await postgres.CreateDatabaseAsync()));
        using var stop = new CancellationTokenSource();
        var publishing = pair.PublishUntilAsync(stop.Token);
        await pair.HearAsync();
        await pair.FlowsOnAsync(200);
        await stop.CancelAsync();
        await publishing;
        await pair.CompleteAsync();
        foreach (var node in pair.Nodes) Assert.Equal(0, await NodePair.CountedAsync(node, "notify_link_invalid"));
    }

    [Fact]
    public async Task An_ephemeral_one_reaches_every_node_once()
    {
        await using var pair = await StartAsync(postgres.ConnectionString(await postgres.CreateDatabaseAsync()));
        using var stop = new CancellationTokenSource();
        var publishing = pair.PublishUntilAsync(stop.Token);
        await pair.HearAsync();
        await stop.CancelAsync();
        await publishing;
        await pair.CompleteAsync();

        using var answer = await pair.Nodes[0].Http.PostAsJsonAsync(
            new Uri("api/v1/notifications", UriKind.Relative), new { topic = "typing", body = new string('e', 6000), ephemeral = true },
                TestContext.Current.CancellationToken);
        Assert.Equal(202, (int)answer.StatusCode);
        foreach (var follower in pair.Followers)
        {
            var received = await follower.Received.FirstAsync(n => n.Ephemeral == true);
            Assert.Equal(("typing", null), (received.Topic, received.Version));
            Assert.Single(follower.Received.Items, n => n.Ephemeral == true);
        }
    }

    /// <summary>Status, and the name and status of each part.</summary>
    internal static async Task<(int Status, JsonElement Report)> ReadyAsync(ServerProcess node)
    {
        using var answer = await node.Http.GetAsync(new Uri("health/ready", UriKind.Relative));
        return ((int)answer.StatusCode, JsonElement.Parse(await answer.Content.ReadAsStringAsync()));
    }
}
