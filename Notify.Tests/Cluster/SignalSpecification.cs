using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Notify.Server;
using Notify.Server.Hosting;
using Notify.Server.Hubs;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Cluster;

/// <summary>
/// What the service says to a user, a group or a connection by way of <see cref="IHubContext{THub}"/> reaches it wherever
/// it is connected, once on each connection: over the stock Redis backplane and over the link.
/// </summary>
public abstract class SignalSpecification(PostgresCluster postgres) : IAsyncLifetime
{
    protected const string Method = "InboxChanged";

    private readonly List<WebApplication> _nodes = [];
    private readonly List<HubConnection> _connections = [];
    private long _number;

    private (string, string)[] _settings = [];

    protected virtual Task<(string Key, string Value)[]> SettingsAsync() => Task.FromResult<(string, string)[]>([]);

    private protected IHubContext<NotifyHub> Hub => _nodes[0].Services.GetRequiredService<IHubContext<NotifyHub>>();

    public async ValueTask InitializeAsync()
    {
        _settings = [("ConnectionStrings:Postgres", postgres.ConnectionString(await postgres.CreateDatabaseAsync())), .. await SettingsAsync()];
        for (var i = 0; i < 2; i++) await AddNodeAsync();
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections) await connection.DisposeAsync();
        foreach (var node in _nodes) await node.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_signal_to_a_user_with_connections_on_two_nodes_arrives_once_on_each()
    {
        var (here, there, other) = (await ConnectAsync(0, "alice", false), await ConnectAsync(1, "alice", true), await ConnectAsync(1, "bob", false));
        await OnceAsync(content => Hub.Clients.User("alice").SendAsync(Method, content), [here, there], [other]);
    }

    [Fact]
    public async Task A_signal_to_a_reserved_group_reaches_its_members_on_every_node()
    {
        var (here, there, other) = (await ConnectAsync(0, "alice", true), await ConnectAsync(1, "bob", false), await ConnectAsync(1, "carol", false));
        await _nodes[0].Services.GetRequiredService<IHubContext<NotifyHub>>().Groups.AddToGroupAsync(here.Id, "$group/ops");
        await _nodes[1].Services.GetRequiredService<IHubContext<NotifyHub>>().Groups.AddToGroupAsync(there.Id, "$group/ops");
        await OnceAsync(content => Hub.Clients.Group("$group/ops").SendAsync(Method, content), [here, there], [other]);
    }

    [Fact]
    public async Task A_signal_to_a_connection_reaches_it_on_another_node()
    {
        var (here, there) = (await ConnectAsync(0, "alice", false), await ConnectAsync(1, "alice", true));
        await OnceAsync(content => Hub.Clients.Client(there.Id).SendAsync(Method, content), [there], [here]);
        await OnceAsync(content => Hub.Clients.Client(here.Id).SendAsync(Method, content), [here], [there]);
    }

    [Fact]
    public async Task A_signal_to_all_reaches_all()
    {
        var (here, there) = (await ConnectAsync(0, "alice", false), await ConnectAsync(1, "bob", true));
        await OnceAsync(content => Hub.Clients.All.SendAsync(Method, content), [here, there], []);
    }

    /// <summary>The number of the node it started.</summary>
    protected async Task<int> AddNodeAsync()
    {
        _nodes.Add(await StartAsync(_settings));
        return _nodes.Count - 1;
    }

    // The first ones may go out before the nodes hear each other, so it is sent until it arrives; then each one counts.
    private protected async Task OnceAsync(Func<Dictionary<string, long>, Task> send, Client[] wanted, Client[] others)
    {
        await Eventually.TrueAsync(
            async () =>
            {
                await send(new() { ["unread"] = ++_number });
                return wanted.All(client => client.Received.Count > 0);
            },
            "signals arrive");

        var first = _number + 1;
        for (var i = 0; i < 5; i++) await send(new() { ["unread"] = ++_number });
        foreach (var client in wanted)
        {
            await client.Received.FirstAsync(unread => unread == _number);
            Assert.Equal(Enumerable.Range((int)first, 5).Select(i => (long)i), client.Received.Items.Where(unread => unread >= first).Order());
        }

        foreach (var client in others) Assert.DoesNotContain(client.Received.Items, unread => unread >= first);
    }

    private protected async Task<Client> ConnectAsync(int node, string user, bool messagePack)
    {
        var address = _nodes[node].Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        var builder = new HubConnectionBuilder().WithUrl($"{address}/hubs/notifications?user={user}", HttpTransportType.WebSockets);
        if (messagePack) builder.AddMessagePackProtocol();
        var connection = builder.Build();
        _connections.Add(connection);
        var received = new Observed<long>();
        connection.On<Dictionary<string, long>>(Method, content => received.Add(content["unread"]));
        await connection.StartAsync(TestContext.Current.CancellationToken);
        return new Client(connection.ConnectionId!, received);
    }

    private static async Task<WebApplication> StartAsync((string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(settings.Append(("Urls", "http://127.0.0.1:0"))
            .Select(setting => KeyValuePair.Create(setting.Item1, (string?)setting.Item2)));
        builder.Logging.ClearProviders();
        builder.AddProcess();
        builder.Services.AddNotify(builder.Configuration, builder.Environment);
        var app = builder.Build();
        app.MapNotify();
        app.MapNotifyProcess();
        await app.StartAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(
            async () => (await app.Services.GetRequiredService<HealthCheckService>()
                .CheckHealthAsync(TestContext.Current.CancellationToken)).Status != HealthStatus.Unhealthy,
            "it is ready: until then it takes no connection");
        return app;
    }

    private protected sealed record Client(string Id, Observed<long> Received);
}

public sealed class SignalsOverTheLinkTests(PostgresCluster postgres) : SignalSpecification(postgres);

public sealed class SignalsOverRedisTests(PostgresCluster postgres) : SignalSpecification(postgres)
{
    private RedisServer? _redis;

    [Fact]
    public async Task A_node_that_could_not_subscribe_when_it_started_hears_signals_once_it_can()
    {
        await _redis!.CommandAsync("ACL SETUSER default -subscribe");
        var late = await ConnectAsync(await AddNodeAsync(), "alice", false);
        await _redis.CommandAsync("ACL SETUSER default +subscribe");
        await OnceAsync(content => Hub.Clients.All.SendAsync(Method, content), [late], []);
        await OnceAsync(content => Hub.Clients.User("alice").SendAsync(Method, content), [late], []);
    }

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await base.DisposeAsync();
        }
        finally
        {
            if (_redis is not null) await _redis.DisposeAsync(); // also when a node fails at its end: nothing stays behind
        }
    }

    protected override async Task<(string Key, string Value)[]> SettingsAsync()
    {
        _redis = await RedisServer.StartAsync();
        return [("ConnectionStrings:Redis", _redis.ConnectionString)];
    }
}
