using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Configuration;

namespace Notify.Server.Security;

/// <summary>
/// <c>Notify:Limits:RequestsPerSecond</c>: publishing requests of one caller (the user, else the address it calls
/// from). Our own limiter instead of the middleware, which would need a place in the host's pipeline.
/// </summary>
internal sealed class RequestRate : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly PartitionedRateLimiter<string>? _limiter;
    private readonly Refusal _refusal;

    public RequestRate(IOptions<NotifyOptions> options)
    {
        var perSecond = options.Value.Limits.RequestsPerSecond;
        _refusal = new Refusal(ErrorCodes.TooManyRequests, $"At most {perSecond} requests a second are taken from one caller. Publish in batches, or wait a second.");
        if (perSecond == 0) return;
        _limiter = PartitionedRateLimiter.Create<string, string>(caller => RateLimitPartition.GetTokenBucketLimiter(caller, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = perSecond,
            TokensPerPeriod = perSecond,
            ReplenishmentPeriod = Second,
            QueueLimit = 0,
        }));
    }

    /// <summary>Null when the caller may go on.</summary>
    public Refusal? Check(HttpContext? context, Caller caller)
    {
        if (_limiter is null) return null;
        using var lease = _limiter.AttemptAcquire(caller.User is { } user ? $"user {user}" : $"address {context?.Connection.RemoteIpAddress}");
        return lease.IsAcquired ? null : _refusal;
    }

    public void Dispose() => _limiter?.Dispose();
}
