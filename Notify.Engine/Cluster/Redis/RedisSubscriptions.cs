using StackExchange.Redis;

namespace Notify.Engine.Cluster.Redis;

/// <summary>
/// Subscribes to a channel again and again until Redis has taken it. From then on the multiplexer does, after each
/// reconnect; of a first attempt that failed it keeps a queue that nobody reads.
/// </summary>
internal sealed class RedisSubscriptions(RedisConnection redis, RedisGuard guard, TimeProvider time)
{
    /// <exception cref="OperationCanceledException">As asked, or because the node stops.</exception>
    public async Task<ChannelMessageQueue> SubscribeAsync(RedisChannel channel, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, redis.Stopping);
        var subscriber = (await redis.Connected.WaitAsync(either.Token)).GetSubscriber();
        for (var backoff = Backoff.OfConnection(time); ; await backoff.WaitAsync(either.Token))
        {
            ChannelMessageQueue? queue = null;
            if (await guard.TryAsync(async () => queue = await subscriber.SubscribeAsync(channel))) return queue!;
            await ((Task)subscriber.UnsubscribeAsync(channel)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // that queue
        }
    }
}
