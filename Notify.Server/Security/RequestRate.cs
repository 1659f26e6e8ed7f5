using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Server.Authentication;

namespace Notify.Server.Security;

/// <summary>
/// <c>Notify:Limits:RequestsPerSecond</c>: publishing requests of one caller (the user, else the address it calls
/// from). Our own limiter instead of the middleware, which would need a place in the host's pipeline.
/// </summary>
internal sealed class RequestRate : IDisposable
{
    private const string LimitHeader = "RateLimit";
    private const string PolicyHeader = "RateLimit-Policy";

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly PartitionedRateLimiter<string>? _limiter;
    private readonly Refusal _refusal;
    private readonly string _policy;

    public RequestRate(IOptions<NotifyOptions> options)
    {
        var perSecond = options.Value.Limits.RequestsPerSecond;
        _refusal = new Refusal(ErrorCodes.TooManyRequests,
            $"At most {perSecond} requests a second are taken from one caller. Publish in batches, or wait a second.");
        _policy = string.Create(CultureInfo.InvariantCulture, $"\"publish\";q={perSecond};w=1");
        if (perSecond == 0) return;
        _limiter = PartitionedRateLimiter.Create<string, string>(caller =>
            RateLimitPartition.GetTokenBucketLimiter(caller, _ => new TokenBucketRateLimiterOptions
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
        var partition = Partition(context, caller);
        using var lease = _limiter.AttemptAcquire(partition);
        if (context is { Response.HasStarted: false }) WriteHeaders(context.Response.Headers, partition);
        return lease.IsAcquired ? null : _refusal;
    }

    // draft-ietf-httpapi-ratelimit-headers-10: so many a second, and so many left of them now.
    private void WriteHeaders(IHeaderDictionary headers, string partition)
    {
        headers[PolicyHeader] = _policy;
        headers[LimitHeader] =
            string.Create(CultureInfo.InvariantCulture, $"\"publish\";r={_limiter!.GetStatistics(partition)?.CurrentAvailablePermits ?? 0};t=1");
    }

    private static string Partition(HttpContext? context, Caller caller) => caller switch
    {
        { Credential.KeyId: { } key } => $"key {key}",
        { User: { } user } => $"user {user}",
        _ => $"address {BadCredentials.Network(context?.Connection.RemoteIpAddress)}",
    };

    public void Dispose() => _limiter?.Dispose();
}
