using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>Several nodes on one private Postgres, with a proxy between any two parts.</summary>
internal sealed class FaultStage : IAsyncDisposable
{
    private readonly List<FaultNode> _nodes = [];
    private readonly List<PostgresCluster> _clusters = [];
    private readonly TcpProxy _mode;
    private int _nextThroughDoor;

    private FaultStage(PostgresCluster postgres)
    {
        Postgres = Owned(postgres);
        _mode = new TcpProxy(() => _nodes[(int)((uint)Interlocked.Increment(ref _nextThroughDoor) % _nodes.Count)].Front.Port);
    }

    /// <summary>The one that the nodes reach; another one after <see cref="SwitchTo"/>.</summary>
    public PostgresCluster Postgres { get; private set; }

    /// <summary>Null when the nodes use LISTEN/NOTIFY.</summary>
    public RedisServer? Redis { get; private set; }

    public string Database { get; private set; } = "";

    public IReadOnlyList<FaultNode> Nodes => _nodes;

    public IReadOnlyList<Uri> Urls => [.. _nodes.Select(node => node.Url)];

    /// <summary>One address for all nodes, taken in turn, as of a load balancer without sticky sessions.</summary>
    public Uri Door => new($"http://127.0.0.1:{_mode.Port}");

    public static async Task<FaultStage> StartAsync(PostgresCluster? postgres = null, bool redis = false, int nodes = 3)
    {
        var stage = new FaultStage(postgres ?? new PostgresCluster { Settings = [] });
        try
        {
            stage.Database = await stage.Postgres.CreateDatabaseAsync();
            if (redis) stage.Redis = await RedisServer.StartAsync();
            var starts = Enumerable.Range(0, nodes).Select(_ => FaultNode.StartAsync(() => stage.Postgres.Port, stage.Database, stage.Redis?.Port)).ToList();
            await Task.WhenAll(starts.Select(async start => stage.Add(await start)));
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>The nodes that have stopped, each with its last errors; empty while all run.</summary>
    public async Task<string> StoppedAsync()
    {
        var endings = await Task.WhenAll(_nodes.Select(async node => (node, Ending: await node.Server.EndingAsync())));
        return string.Concat(endings.Where(it => it.Ending is not null).Select(it => $"\n  The node at {it.node.Server.Url} {it.Ending}"));
    }

    /// <summary>From here on it ends with the stage.</summary>
    public PostgresCluster Owned(PostgresCluster cluster)
    {
        _clusters.Add(cluster);
        return cluster;
    }

    /// <summary>From now on the nodes find this one where the other was.</summary>
    public void SwitchTo(PostgresCluster other)
    {
        Postgres = other;
        foreach (var node in _nodes) node.ToPostgres.Cut();
    }

    public async ValueTask DisposeAsync()
    {
        await _mode.DisposeAsync();
        foreach (var node in _nodes) await node.DisposeAsync();
        if (Redis is not null) await Redis.DisposeAsync();
        foreach (var cluster in _clusters) await cluster.DisposeAsync();
    }

    private void Add(FaultNode node)
    {
        lock (_nodes) _nodes.Add(node);
    }
}
