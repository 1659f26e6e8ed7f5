using System.Diagnostics.Metrics;
using System.Reflection;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Observability;
using Notify.Engine.Tail;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Storage.Nodes;

namespace Notify.Engine.Cluster;

/// <summary>
/// This node's row in the table of nodes, under a lease on the database's time, and which other nodes hold one. A new kind of entry may be
/// written only once every node in the table has said that it knows it: the gate is opened here.
/// </summary>
/// <remarks>A node that is killed loses its row when its lease ends, at the latest 18 s later; one that stops takes it along.</remarks>
internal sealed partial class NodeLeases : NodeService
{
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);
    public static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(3);

    /// <summary>A renewal that takes longer is given up, and the next one begins.</summary>
    private static readonly TimeSpan RenewWithin = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(30);

    private readonly ClusterLink _link;
    private readonly INotificationLog _log;
    private readonly TailPosition _tail;
    private readonly SessionRegistry _sessions;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Occasionally _logFailure;
    private readonly long _started;
    private long _renewed;
    private Guid[] _nodes = [];

    public NodeLeases(
        ClusterLink link, INotificationLog log, TailPosition tail, SessionRegistry sessions, IMeterFactory meters, TimeProvider time,
            ILogger<NodeLeases> logger)
    {
        (_link, _log, _tail, _sessions, _time, _logger) = (link, log, tail, sessions, time, logger);
        _started = _renewed = time.GetTimestamp();
        _logFailure = new Occasionally(time, LogInterval);
        var meter = meters.Create(NotifyMetrics.MeterName);
        meter.CreateObservableGauge("notify.nodes", () => Nodes.Count, "{node}", "Nodes whose leases held when this one renewed its own.");
        meter.CreateObservableGauge("notify.node.lease_age", () =>
            _time.GetElapsedTime(Volatile.Read(ref _renewed)).TotalSeconds, "s", "How long ago this node renewed its lease; it ends at 15 s.");
    }

    /// <summary>The product version, as the table shows it.</summary>
    public static string Version { get; } =
        typeof(NodeLeases).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>This process among the nodes.</summary>
    public Guid Node => _link.Node;

    /// <summary>The nodes whose leases held at the last renewal.</summary>
    public IReadOnlyList<Guid> Nodes => Volatile.Read(ref _nodes);

    /// <summary>The highest kind of entry that this node can read. Another one in tests: a program of another version.</summary>
    internal short Knows { get; init; } = (short)DirectoryEntry.NewestKind;

    /// <summary>What is stored and by which nodes; of this one, what is so now.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public async Task<StorageStatistics> ReadStatisticsAsync(CancellationToken cancellationToken)
    {
        var read = await _log.Nodes.ReadStatisticsAsync(cancellationToken);
        var own = read.Nodes.FirstOrDefault(node => node.Id == Node) ?? new NodeRecord(Node, Version, 0, _time.GetUtcNow() - _time.GetElapsedTime(_started), 0);
        return read with
        {
            Nodes =
            [.. read.Nodes.Where(node => node.Id != Node).Append(own with { Connections = _sessions.Count, Head = _tail.Dispatched })
            .OrderBy(node => node.StartedAt)]
        };
    }

    /// <summary>Takes the lease or renews it, and opens the gate as far as all nodes allow.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    internal async Task RenewAsync(CancellationToken cancellationToken)
    {
        var state = new NodeState(Node, Version, Environment.MachineName, _time.GetElapsedTime(_started), _sessions.Count, _tail.Dispatched, Knows);
        var answer = await _log.Nodes.RenewAsync(state, Lease, cancellationToken);
        Volatile.Write(ref _nodes, [.. answer.Nodes]);
        _link.Share(Nodes);
        if (!answer.IsHeld)
        {
            if (_logFailure.Now(out _)) Log.Older(_logger, answer.Opened, Knows);
            return;
        }

        Volatile.Write(ref _renewed, _time.GetTimestamp());
        if (answer.Opened >= Knows) return;
        var opened = await _log.Nodes.OpenGateAsync(Knows, cancellationToken);
        if (opened > answer.Opened) Log.Opened(_logger, opened);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (_log is OpenedLog log) await log.Opened.WaitAsync(stoppingToken);
            while (true)
            {
                // Also when the link begins to listen: a node that is alone knows by the answer that it need not send hints.
                var listening = _link.NextListening;
                await TryRenewAsync(stoppingToken);
                await listening.WaitAsync(RenewEvery, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                stoppingToken.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        catch (NotSupportedException)
        {
            // A log without a list of nodes.
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (Nodes.Count == 0) return;
        try
        {
            await _log.Nodes.EndAsync(Node, cancellationToken).WaitAsync(RenewWithin, _time, cancellationToken);
        }
        catch (Exception exception) when (exception is StorageUnavailableException or TimeoutException or OperationCanceledException)
        {
            // It ends by itself.
        }
    }

    private async Task TryRenewAsync(CancellationToken stoppingToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        limit.CancelAfter(RenewWithin);
        try
        {
            await RenewAsync(limit.Token);
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested && exception is not NotSupportedException)
        {
            if (_logFailure.Now(out _)) Log.NotRenewed(_logger, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4020, LogLevel.Warning,
            "This node's lease was not renewed ({Cause}); without one it is missing in /stats, and its people leave the presence of the other nodes. " +
            "Renewed by itself when the database answers.")]
        public static partial void NotRenewed(ILogger logger, string cause);

        [LoggerMessage(4021, LogLevel.Critical,
            "The log uses entries of kind {Opened}, and this version of the program knows them up to {Knows}: this node gets no lease, and stops at the " +
            "first of them. Run the newer version.")]
        public static partial void Older(ILogger logger, short opened, short knows);

        [LoggerMessage(4022, LogLevel.Information, "Every node knows entries up to kind {Opened}: they may be written from now on.")]
        public static partial void Opened(ILogger logger, short opened);
    }
}
