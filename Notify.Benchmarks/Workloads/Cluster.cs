using Notify.Benchmarks.Load;
using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Workloads;

/// <summary>Nodes on one Postgres, joined by NOTIFY, or by a Redis of their own.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    private readonly Storage _storage;
    private readonly RedisInstance? _redis;
    private readonly List<RunningServer> _nodes = [];

    private Cluster(Storage storage, RedisInstance? redis) => (_storage, _redis) = (storage, redis);

    public Storage Storage => _storage;
    public IReadOnlyList<int> ProcessIds => [.. _nodes.Select(node => node.ProcessId)];
    public double ServerCpu => ProcessIds.Sum(CpuClock.OfProcess);

    /// <summary>Of Postgres, and of Redis.</summary>
    public double StorageCpu => _storage.CpuSeconds + (_redis?.CpuSeconds ?? 0);

    public static async Task<Cluster> StartAsync(Laboratory laboratory, int nodes, bool withRedis)
    {
        var redis = withRedis ? await RedisInstance.StartAsync() : null;
        var cluster = new Cluster(await laboratory.NewStorageAsync("postgres"), redis);
        try
        {
            for (var i = 0; i < nodes; i++) cluster._nodes.Add(await cluster._storage.StartServerAsync(redis: redis));
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
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
        await _storage.DisposeAsync();
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
