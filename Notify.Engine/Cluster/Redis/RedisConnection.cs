using Notify.Engine.Delivery.Routing;
using StackExchange.Redis;

namespace Notify.Engine.Cluster.Redis;

/// <summary>
/// This node's connection to Redis, made beside the start and kept: users of it wait for <see cref="Connected"/>,
/// and the service does not.
/// </summary>
internal sealed partial class RedisConnection(ConfigurationOptions options, LinkMetrics metrics, TimeProvider time, ILogger<RedisConnection> logger)
    : IHostedService, IAsyncDisposable
{
    private readonly TaskCompletionSource<IConnectionMultiplexer> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private Task _connecting = Task.CompletedTask;
    private int _disposed;

    /// <summary>Completes at the first connection. Later ones are made again by the multiplexer itself.</summary>
    public Task<IConnectionMultiplexer> Connected => _connected.Task;

    /// <summary>Ends what waits for Redis.</summary>
    public CancellationToken Stopping => Volatile.Read(ref _disposed) == 0 ? _stop.Token : new CancellationToken(canceled: true);

    public bool IsConnected => Connected is { IsCompletedSuccessfully: true } connected && connected.Result.IsConnected;

    /// <summary>Whether all that is reached of Redis is replicas: what is published there reaches no subscriber of the primary.</summary>
    public bool IsReplica => IsConnected && Connected.Result.GetServers().Where(server => server.IsConnected).All(server => server.IsReplica);

    /// <summary>Subscriptions hold again; what was sent meanwhile is lost.</summary>
    public event Action? Restored;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _connecting = Task.Run(() => ConnectAsync(_stop.Token), CancellationToken.None);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _connecting.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return; // known to the container twice, as itself and as hosted
        await _stop.CancelAsync();
        _stop.Dispose();
        if (Connected.IsCompletedSuccessfully) await (await Connected).DisposeAsync();
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        var backoff = Backoff.OfConnection(time);
        while (true)
        {
            ConnectionMultiplexer? multiplexer = null;
            try
            {
                multiplexer = await ConnectionMultiplexer.ConnectAsync(options);
                if (!multiplexer.IsConnected) Log.NotConnected(logger, "no answer");
                while (!multiplexer.IsConnected) await backoff.WaitAsync(cancellationToken);
                Watch(multiplexer);
                _connected.TrySetResult(multiplexer);
                return;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                if (multiplexer is not null) await multiplexer.DisposeAsync();
                return;
            }
            catch (Exception exception)
            {
                // A name that does not resolve, a password that is wrong: what is put right later is found without a restart.
                Log.NotConnected(logger, exception.Message);
                if (multiplexer is not null) await multiplexer.DisposeAsync();
            }

            await backoff.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellationToken.IsCancellationRequested) return;
        }
    }

    private void Watch(ConnectionMultiplexer multiplexer)
    {
        multiplexer.ConnectionFailed += (_, failed) =>
        {
            metrics.Failed(LinkFailure.Transient);
            Log.Lost(logger, failed.ConnectionType, failed.FailureType);
        };
        multiplexer.ConnectionRestored += (_, restored) =>
        {
            if (restored.ConnectionType != ConnectionType.Subscription) return;
            metrics.Reconnected();
            Log.Restored(logger);
            Restored?.Invoke();
        };
    }

    private static partial class Log
    {
        [LoggerMessage(4010, LogLevel.Warning, "Cannot connect to Redis: {Reason} The node finds notifications of other nodes by polling until it can.")]
        public static partial void NotConnected(ILogger logger, string reason);

        [LoggerMessage(4011, LogLevel.Warning,
            "The {Type} connection to Redis is lost: {Failure}. The node finds notifications of other nodes by polling until it is back.")]
        public static partial void Lost(ILogger logger, ConnectionType type, ConnectionFailureType failure);

        [LoggerMessage(4012, LogLevel.Information, "The connection to Redis is back.")]
        public static partial void Restored(ILogger logger);
    }
}
