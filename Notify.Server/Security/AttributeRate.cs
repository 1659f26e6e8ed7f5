using System.Threading.RateLimiting;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Access;

namespace Notify.Server.Security;

/// <summary>
/// How often users change what they say of themselves: once a second on average, ten times at once; over the hub each
/// connection, over HTTP each user. A reading that changes more often is telemetry: publish it.
/// </summary>
internal sealed class AttributeRate : IDisposable
{
    private const int AtOnce = 10;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static readonly Refusal TooMany = new(
        ErrorCodes.TooManyRequests,
            $"Attributes are for state: they may be set once a second on average, {AtOnce} times at once. Wait a second, or publish what changes more often.");

    private readonly PartitionedRateLimiter<string> _limiter =
        PartitionedRateLimiter.Create<string, string>(user => RateLimitPartition.GetTokenBucketLimiter(user, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = AtOnce,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = Second,
            QueueLimit = 0,
        }));

    public Refusal? Check(Caller caller) => Check($"user {caller.User}");

    public Refusal? CheckConnection(string connectionId) => Check($"connection {connectionId}");

    private Refusal? Check(string user)
    {
        using var lease = _limiter.AttemptAcquire(user);
        return lease.IsAcquired ? null : TooMany;
    }

    public void Dispose() => _limiter.Dispose();
}
