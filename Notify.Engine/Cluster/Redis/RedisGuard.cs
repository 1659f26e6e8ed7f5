using Polly;
using Polly.CircuitBreaker;

namespace Notify.Engine.Cluster.Redis;

/// <summary>
/// Stands before Redis: what fails is counted by what it means, told now and then, and while most of it fails it is not
/// tried at all, so that callers do not wait for one time-out after the other.
/// </summary>
internal sealed partial class RedisGuard
{
    private static readonly TimeSpan Sampling = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Break = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);
    private const int LeastCalls = 4;
    private const double FailureRatio = 0.5;

    private readonly ResiliencePipeline _pipeline;
    private readonly Occasionally _log;
    private readonly LinkMetrics _metrics;
    private readonly ILogger<RedisGuard> _logger;
    private volatile string _lastFailure = "";

    public RedisGuard(LinkMetrics metrics, TimeProvider time, ILogger<RedisGuard> logger)
    {
        (_metrics, _logger, _log) = (metrics, logger, new Occasionally(time, LogInterval));
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = FailureRatio,
                MinimumThroughput = LeastCalls,
                SamplingDuration = Sampling,
                BreakDuration = Break,
                ShouldHandle = arguments => ValueTask.FromResult(
                    arguments.Outcome.Exception is { } exception and not OperationCanceledException && RedisErrors.Kind(exception) != LinkFailure.Permanent),
            })
            .Build();
    }

    /// <summary>Runs it; what it throws is counted and thrown on.</summary>
    /// <exception cref="BrokenCircuitException">It was not tried; the message says with what the last one that was failed.</exception>
    public async Task RunAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        try
        {
            await _pipeline.ExecuteAsync(static async (work, _) => await work(), work, cancellationToken);
        }
        catch (BrokenCircuitException open)
        {
            _metrics.Failed(LinkFailure.Open);
            throw new BrokenCircuitException($"Redis failed a moment ago and is tried again within a second. It failed with: {_lastFailure}", open);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            _lastFailure = exception.Message;
            _metrics.Failed(RedisErrors.Kind(exception));
            throw;
        }
    }

    /// <summary>Runs it; false when it failed, which is logged at intervals: no caller can do anything about it.</summary>
    public async Task<bool> TryAsync(Func<Task> work)
    {
        try
        {
            await RunAsync(work, CancellationToken.None);
            return true;
        }
        catch (Exception exception)
        {
            if (_log.Now(out var passedOver)) Log.Failed(_logger, RedisErrors.Kind(exception), passedOver, exception.Message);
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4013, LogLevel.Warning, "A signal over Redis failed, {Kind} ({PassedOver} more since this was last logged): {Reason}")]
        public static partial void Failed(ILogger logger, LinkFailure kind, long passedOver, string reason);
    }
}
