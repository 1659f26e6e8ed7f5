using Notify.Benchmarks.Load;
using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Workloads;

/// <summary>Nodes on one Postgres: on one database and joined by NOTIFY or by a Redis of their own, or on a database each and joined by nothing.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    private readonly RedisInstance? _redis;
    private readonly List<Storage> _storages = [];
    private readonly List<RunningServer> _nodes = [];

    private Cluster(RedisInstance? redis) => _redis = redis;

    /// <summary>What is published on one node is delivered on all.</summary>
    public bool IsJoined => _storages.Count == 1;

    public IReadOnlyList<int> ProcessIds => [.. _nodes.Select(node => node.ProcessId)];
    public double ServerCpu => ProcessIds.Sum(CpuClock.OfProcess);

    /// <summary>Of Postgres, and of Redis.</summary>
    public double StorageCpu => _storages[0].CpuSeconds + (_redis?.CpuSeconds ?? 0);

    public static Task<Cluster> StartAsync(Laboratory laboratory, int nodes, bool withRedis) => StartAsync(laboratory, nodes, databases: 1, withRedis);

    /// <summary>Nodes that share nothing but the machine and its Postgres.</summary>
    public static Task<Cluster> StartApartAsync(Laboratory laboratory, int nodes) => StartAsync(laboratory, nodes, databases: nodes, withRedis: false);

    private static async Task<Cluster> StartAsync(Laboratory laboratory, int nodes, int databases, bool withRedis)
    {
        var cluster = new Cluster(withRedis ? await RedisInstance.StartAsync() : null);
        try
        {
            for (var i = 0; i < databases; i++) cluster._storages.Add(await laboratory.NewStorageAsync("postgres"));
            for (var i = 0; i < nodes; i++) cluster._nodes.Add(await cluster._storages[i % databases].StartServerAsync(redis: cluster._redis));
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async Task<long> TransactionsAsync()
    {
        var transactions = 0L;
        foreach (var storage in _storages) transactions += await storage.TransactionsAsync();
        return transactions;
    }

    public Task<Subscribers> SubscribeAsync(int node, int connections) => Subscribers.StartAsync(new SubscriberOptions
    {
        Peer = PeerKind.Notify,
        Port = _nodes[node].Port,
        Connections = connections,
        FollowsAll = true,
    });

    public Task<Publishers> PublishersAsync(int node, int connections, int topics = 1, int batch = 1) => Publishers.StartAsync(new PublisherOptions
    {
        Peer = PeerKind.Notify,
        Port = _nodes[node].Port,
        Connections = connections,
        Topics = topics,
        By = batch > 1 ? PublishBy.Batch : PublishBy.Post,
        Batch = batch,
    });

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        if (_redis is not null) await _redis.DisposeAsync();
        foreach (var storage in _storages) await storage.DisposeAsync();
    }
}

/// <summary><c>--link notify|redis</c>: what joins the nodes; both by default.</summary>
internal static class Links
{
    public static (string Name, bool IsRedis)[] Of(string? chosen) => chosen switch
    {
        null => [("NOTIFY", false), ("Redis", true)],
        "notify" => [("NOTIFY", false)],
        "redis" => [("Redis", true)],
        _ => throw new ArgumentException($"--link is notify or redis, not '{chosen}'."),
    };
}
