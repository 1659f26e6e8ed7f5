using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>One server process, with a proxy of ours before it and one between it and Postgres.</summary>
internal sealed class FaultNode : IAsyncDisposable
{
    private FaultNode(ServerProcess server, TcpProxy front, TcpProxy toPostgres, TcpProxy? toRedis) =>
        (Server, Front, ToPostgres, ToRedis) = (server, front, toPostgres, toRedis);

    public ServerProcess Server { get; }

    /// <summary>What publishers and subscribers go through.</summary>
    public TcpProxy Front { get; }

    public TcpProxy ToPostgres { get; }

    /// <summary>Null on a stage without Redis, whose nodes use LISTEN/NOTIFY.</summary>
    public TcpProxy? ToRedis { get; }

    /// <summary>What its sessions at Postgres are called.</summary>
    public string Name => NameOf(ToPostgres);

    public Uri Url => new($"http://127.0.0.1:{Front.Port}");

    public static async Task<FaultNode> StartAsync(Func<int> postgres, string database, int? redis)
    {
        var toPostgres = new TcpProxy(postgres);
        var toRedis = redis is { } port ? new TcpProxy(port) : null;
        try
        {
            var connection = $"{PostgresCluster.ConnectionString(database, toPostgres.Port)};Application Name={NameOf(toPostgres)}";
            List<(string, string)> settings = [("ConnectionStrings:Postgres", connection)];
            if (toRedis is not null) settings.Add(("ConnectionStrings:Redis", $"127.0.0.1:{toRedis.Port}"));
            var server = await ServerProcess.StartAsync([.. settings]);
            return new FaultNode(server, new TcpProxy(server.Url.Port), toPostgres, toRedis);
        }
        catch
        {
            await toPostgres.DisposeAsync();
            if (toRedis is not null) await toRedis.DisposeAsync();
            throw;
        }
    }

    private static string NameOf(TcpProxy toPostgres) => $"node-{toPostgres.Port}";

    public async ValueTask DisposeAsync()
    {
        await Front.DisposeAsync();
        await Server.DisposeAsync();
        await ToPostgres.DisposeAsync();
        if (ToRedis is not null) await ToRedis.DisposeAsync();
    }
}
