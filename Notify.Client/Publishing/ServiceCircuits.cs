using System.Net;
using Polly;
using Polly.CircuitBreaker;

namespace Notify.Client.Publishing;

/// <summary>
/// The addresses of the service, each behind a circuit breaker that all calls share: an address that gave no answer several
/// times is not tried by every call, and one call tries it again after a while.
/// </summary>
internal sealed class ServiceCircuits
{
    private readonly Circuit[] _all;

    /// <param name="addresses">In the order in which they are tried; null is the HTTP client's own.</param>
    /// <param name="options">When a circuit opens, and for how long.</param>
    public ServiceCircuits(IReadOnlyList<Uri?> addresses, NotifyPublisherOptions options) =>
        _all = [.. addresses.Select(address => new Circuit(address, Breaker(options)))];

    /// <summary>
    /// Makes one attempt, at the first address whose circuit is closed. A call that may be repeated goes on to the next address
    /// when it got no answer.
    /// </summary>
    /// <exception cref="NotifyException">What the last address said; or all circuits are open, and then its RetryAfter says for how long.</exception>
    public async Task<T> AttemptAsync<T>(Func<Uri?, CancellationToken, Task<T>> send, bool repeatable, CancellationToken cancellationToken)
    {
        NotifyException? failure = null;
        TimeSpan? shortest = null;
        foreach (var (address, breaker) in _all)
        {
            try
            {
                return await breaker.ExecuteAsync(token => new ValueTask<T>(send(address, token)), cancellationToken).ConfigureAwait(false);
            }
            catch (BrokenCircuitException e)
            {
                var left = e.RetryAfter ?? TimeSpan.Zero;
                shortest = left < shortest ? shortest : left;
            }
            catch (NotifyException e) when (IsNoAnswer(e) && repeatable)
            {
                failure = e;
            }
        }

        throw failure ?? new NotifyException(null, "The service gave no answer several times and is left alone for a while.") { RetryAfter = shortest };
    }

    /// <summary>No answer, or that of a proxy without a service behind it. What the service itself says is an answer.</summary>
    internal static bool IsNoAnswer(NotifyException e) => e.IsTransient && e.Code is null && e.Status != NotifyException.TooManyRequests
        && e.Status is null or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    private static ResiliencePipeline Breaker(NotifyPublisherOptions options) => new ResiliencePipelineBuilder { TimeProvider = options.TimeProvider }
        .AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<NotifyException>(IsNoAnswer),
            FailureRatio = 1,
            MinimumThroughput = options.FailuresThatBreak,
            SamplingDuration = options.SamplingDuration,
            BreakDuration = options.BreakDuration,
        })
        .Build();

    private sealed record Circuit(Uri? Address, ResiliencePipeline Breaker);
}
