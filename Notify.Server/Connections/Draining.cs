using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Server.Connections;

/// <summary>
/// A node that stops: it takes no new connections, asks the ones it has to come back elsewhere, a few at a time, and only
/// then is SignalR allowed to cut what is left.
/// </summary>
internal sealed class Draining(IHostApplicationLifetime lifetime, SessionKeeper keeper, SessionRegistry sessions, ConnectionMetrics metrics, TimeProvider time)
    : IHostedService
{
    /// <summary>How long connections have to go; asking takes 10 s at most, and publishes in flight have 5 s after it.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    /// <summary>What a connection that comes now is told.</summary>
    private static readonly Refusal Leaving =
        new(ErrorCodes.StorageUnavailable, "This node is stopping. Connect again; another node or the next start will take you.");

    private volatile bool _isDraining;

    /// <summary>True from the stop signal on: new connections and readiness answer 503.</summary>
    public bool IsDraining => _isDraining;

    /// <summary>Null when this node takes a new connection; a refusal is counted.</summary>
    public Refusal? Check()
    {
        if (!_isDraining) return null;
        metrics.Refused(ConnectionMetrics.Stopping);
        return Leaving;
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // Registered once everything has started, so that it runs before SignalR's own callback, which tells clients to
        // stop for good: callbacks of a token run last in, first out.
        lifetime.ApplicationStarted.Register(() => lifetime.ApplicationStopping.Register(Drain));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Drain()
    {
        // First, or clients rejoin the leaving node and are cut twice.
        LeaveAsync().GetAwaiter().GetResult();
    }

    /// <summary>Accepts no new connection, then asks the open ones to reconnect elsewhere; also when the service ends and the process does not.</summary>
    public Task LeaveAsync()
    {
        _isDraining = true;
        return DrainAsync();
    }

    private async Task DrainAsync()
    {
        using var limit = new CancellationTokenSource(Limit, time);
        var asked = new HashSet<DeliverySession>();
        try
        {
            // Again and again: a connection that was let in just before may have its session only now.
            do
            {
                await keeper.CloseAsync([.. sessions.All.Where(asked.Add)], limit.Token);
                await Task.Delay(Look, time, limit.Token);
            }
            while (sessions.Count > 0);
        }
        catch (OperationCanceledException)
        {
            // What is still here is cut by the host.
        }
    }
}
