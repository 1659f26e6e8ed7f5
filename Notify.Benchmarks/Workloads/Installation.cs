using Notify.Benchmarks.Load;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>A server on a long log, and its connections: the cost of its work, independent of what else is stored.</summary>
internal sealed class Installation(WorkloadReport report, InstallationSize size, Storage storage, RunningServer server, double seconds) : IAsyncDisposable
{
    /// <summary>Topics with a follower each.</summary>
    public const int Followed = 1000;

    private const int AppendBatch = 500;
    private const int DeliverBatch = 100;

    private readonly SubscriberOptions _client = new() { Peer = PeerKind.Notify, Port = server.Port };
    private readonly Costs _costs = new(report, size.Name, server, storage, seconds);
    private Subscribers? _followers;
    private Subscribers? _idle;

    private Subscribers Followers => _followers ?? throw new InvalidOperationException("Nobody is connected yet.");

    public static async Task<Installation> StartAsync(WorkloadReport report, InstallationSize size, Storage storage, double seconds)
    {
        var server = await storage.StartServerAsync();
        report.Add(size.Name, ("ready ms", server.Started.TotalMilliseconds));
        return new Installation(report, size, storage, server, seconds);
    }

    /// <summary>The newest of all topics, to one client.</summary>
    public async Task<CostMeter> ReplayAsync(string figure, int missed) =>
        await _costs.ReplayAsync(figure, _client with { FollowsAll = true, Since = await storage.HeadAsync() - missed }, missed);

    /// <summary>All there is of the followed topics, to a client each.</summary>
    public async Task<CostMeter> ReplayTopicsAsync(string figure) =>
        await _costs.ReplayAsync(figure, _client with { Connections = Followed, Topics = Followed, Since = 0, Window = 16 },
            await storage.CountAsync(Followed));

    public Task<CostMeter> AppendAsync(string figure) => _costs.AppendAsync(figure, size.Topics);

    public Task<CostMeter> AppendBatchesAsync(string figure) => _costs.AppendAsync(figure, size.Topics, AppendBatch);

    public Task<CostMeter> DeliverAsync(string figure) => _costs.DeliverAsync(figure, Followers, Followed);

    public Task<CostMeter> DeliverBatchesAsync(string figure) => _costs.DeliverAsync(figure, Followers, Followed, DeliverBatch);

    /// <summary>The followers and the other connections.</summary>
    public async Task ConnectAsync()
    {
        if (size.Idle > 0)
            _idle = await Subscribers.StartAsync(_client with
            {
                Connections = size.Idle,
                Topics = size.Idle,
                FirstTopic = Followed,
                OtherFilters = size.Filters / size.Idle
            });
        _followers = await Subscribers.StartAsync(_client with { Connections = Followed, Topics = Followed });
    }

    /// <summary>A connection that follows an unused topic has received nothing, and is still connected.</summary>
    public async Task CheckIdleAsync()
    {
        if (_idle is not null && await _idle.ReportAsync(0) is { Problems: { } problem }) report.Invalid.Add($"the idle ones: {problem}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_followers is not null) await _followers.DisposeAsync();
        if (_idle is not null) await _idle.DisposeAsync();
        await server.DisposeAsync();
    }
}

/// <summary>What lies around the work.</summary>
/// <param name="Name">Of the row.</param>
/// <param name="Rows">In the log.</param>
/// <param name="Idle">Subscribers that get nothing.</param>
/// <param name="Filters">That do not match, all idle ones together.</param>
internal sealed record InstallationSize(string Name, int Rows, int Idle, int Filters)
{
    public const int RowsATopic = 100;

    public int Topics => Rows / RowsATopic;
}
