using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>One server process, with a proxy of ours before it and one between it and Postgres.</summary>
internal sealed class FaultNode : IAsyncDisposable
{
    private FaultNode(ServerProcess server, TcpProxy front, TcpProxy toPostgres) => (Server, Front, ToPostgres) = (server, front, toPostgres);

    public ServerProcess Server { get; }

    /// <summary>What publishers and subscribers go through.</summary>
    public TcpProxy Front { get; }

    public TcpProxy ToPostgres { get; }

    public Uri Url => new($"http://127.0.0.1:{Front.Port}");

    public static async Task<FaultNode> StartAsync(Func<int> postgres, string database)
    {
        var toPostgres = new TcpProxy(postgres);
        try
        {
            var server = await ServerProcess.StartAsync(("ConnectionStrings:Postgres", PostgresCluster.ConnectionString(database, toPostgres.Port)));
            return new FaultNode(server, new TcpProxy(server.Url.Port), toPostgres);
        }
        catch
        {
            await toPostgres.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Front.DisposeAsync();
        await Server.DisposeAsync();
        await ToPostgres.DisposeAsync();
    }
}
