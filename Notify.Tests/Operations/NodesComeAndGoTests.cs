using System.Text.Json;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Operations;

/// <summary>Two nodes on one Postgres behind a balancer that knows nothing: clients move, and nobody misses anything.</summary>
public class NodesComeAndGoTests(PostgresCluster postgres)
{
    private const int DotNetClients = 6;
    private const int JavaScriptClients = 2;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Clients_of_a_leaving_node_move_to_the_other_one_and_nothing_is_missing_or_comes_twice()
    {
        await using var system = await StartAsync();
        await using var publisher = new SteadyPublisher(system.Balancer.Url, "orders/eu");
        await system.DeliveredAsync(publisher, 100);

        await system.First.TerminateAsync(Limit);
        Assert.Equal(0, system.First.ExitCode);
        await system.DeliveredAsync(publisher, 100);
        Assert.NotEmpty(system.Followers.SelectMany(follower => follower.Reconnected.Items));
        await system.AssertCompleteAsync(await publisher.StopAsync());
    }

    [Fact]
    public async Task A_rolling_restart_under_load_loses_nothing_and_stops_no_client()
    {
        await using var system = await StartAsync();
        await using var publisher = new SteadyPublisher(system.Balancer.Url, "orders/eu");
        await system.DeliveredAsync(publisher, 50);
        foreach (var node in new[] { system.First, system.Second })
        {
            await node.TerminateAsync(Limit);
            Assert.Equal(0, node.ExitCode);
            await node.RestartAsync();
            await system.DeliveredAsync(publisher, 50);
        }

        await system.AssertCompleteAsync(await publisher.StopAsync());
    }

    private async Task<TwoNodes> StartAsync()
    {
        var database = await postgres.CreateDatabaseAsync();
        var system = new TwoNodes(
            await ServerProcess.StartAsync(("ConnectionStrings:Postgres", postgres.ConnectionString(database))),
            await ServerProcess.StartAsync(("ConnectionStrings:Postgres", postgres.ConnectionString(database))));
        try
        {
            await system.StartClientsAsync();
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    private sealed class TwoNodes(ServerProcess first, ServerProcess second) : IAsyncDisposable
    {
        private readonly List<NodeScript> _scripts = [];

        public ServerProcess First => first;
        public ServerProcess Second => second;
        public TcpSwitch Balancer { get; } = new(first.Url, second.Url);
        public List<ReconnectingFollower> Followers { get; } = [];

        public async Task StartClientsAsync()
        {
            for (var i = 0; i < DotNetClients; i++)
            {
                var follower = new ReconnectingFollower(Balancer.Url, "orders/#");
                Followers.Add(follower);
                await follower.StartAsync();
            }

            for (var i = 0; i < JavaScriptClients; i++)
                _scripts.Add(await NodeScript.StartAsync(new Dictionary<string, string?> { ["WEBSOCKETS_ONLY"] = "1" }, "follow.mjs", Balancer.Url.ToString()
                    .TrimEnd('/'), "json", "orders/#"));
            foreach (var script in _scripts) await script.WaitForAsync("caughtUp");
        }

        /// <summary>Everybody has this many more than were acknowledged just now.</summary>
        public async Task DeliveredAsync(SteadyPublisher publisher, int more)
        {
            var enough = publisher.Acked.Length + more;
            foreach (var follower in Followers) await follower.Received.CountAsync(enough, Limit);
            foreach (var script in _scripts) await Eventually.TrueAsync(() => Versions(script).Count() >= enough, "the JavaScript client has them", Limit);
        }

        public async Task AssertCompleteAsync(long[] acked)
        {
            foreach (var follower in Followers)
            {
                await follower.Received.CountAsync(acked.Length, Limit);
                Assert.Equal(acked, follower.Received.Items);
                Assert.Empty(follower.Closed.Items);
                Assert.Empty(follower.Gaps.Items);
            }

            foreach (var script in _scripts)
            {
                await Eventually.TrueAsync(() => Versions(script).Count() >= acked.Length, "the JavaScript client has all", Limit);
                Assert.Equal(acked, Versions(script));
                Assert.DoesNotContain(script.Objects, said => said.TryGetProperty("closed", out _));
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var script in _scripts) await script.DisposeAsync();
            foreach (var follower in Followers) await follower.DisposeAsync();
            await Balancer.DisposeAsync();
            await first.DisposeAsync();
            await second.DisposeAsync();
        }

        private static IEnumerable<long> Versions(NodeScript script) =>
            from said in script.Objects
            where said.TryGetProperty("notification", out _)
            select said.GetProperty("notification").GetProperty("version").GetInt64();
    }
}
