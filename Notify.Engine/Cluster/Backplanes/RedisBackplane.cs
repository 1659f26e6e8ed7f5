using Notify.Engine.Cluster.Redis;
using StackExchange.Redis;

namespace Notify.Engine.Cluster.Backplanes;

/// <summary>One Redis channel for all nodes. Installations that share a Redis set <c>channelPrefix</c> in the connection string.</summary>
internal sealed class RedisBackplane(RedisConnection redis, RedisGuard guard, RedisSubscriptions subscriptions, TimeProvider time) : IBackplane
{
    internal static readonly RedisChannel Channel = RedisChannel.Literal("notify:link");

    public bool Crosses => true;

    public int MessageCost => LinkFormat.MaxBytes;

    public bool Splits => true;

    public int EphemeralBytes => LinkFormat.MaxBytes - 4 * LinkFormat.MaxNameBytes;

    public int Cost(int metaBytes, int contentBytes) => metaBytes + contentBytes;

    public Task SendAsync(IReadOnlyList<EncodedMessage> messages, CancellationToken cancellationToken) => guard.RunAsync(
        async () =>
        {
            if (!redis.IsConnected) throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, "Redis is not connected.");
            var subscriber = (await redis.Connected).GetSubscriber();
            await Task.WhenAll(messages.Select(message => subscriber.PublishAsync(Channel, message.Bytes))); // one connection: in order
        },
        cancellationToken);

    public async Task ReceiveAsync(Action<ReadOnlyMemory<byte>> received, Action connected, CancellationToken cancellationToken)
    {
        redis.Restored += connected;
        try
        {
            var queue = await subscriptions.SubscribeAsync(Channel, cancellationToken);

            // The queue's reader calls in order and one at a time; a plain handler would not.
            queue.OnMessage(message => received((byte[]?)message.Message));
            connected();
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }
        finally
        {
            redis.Restored -= connected;
        }
    }
}
