using Notify.Engine.Cluster;
using Notify.Engine.Cluster.Backplanes;

namespace Notify.Tests.Faults.Breaking;

/// <summary>Loses some of what other nodes tell: no harm as long as there is repair.</summary>
internal sealed class LossyCarrier(IBackplane inner) : IBackplane
{
    private const int Every = 10;

    private int _received;

    public bool Crosses => inner.Crosses;

    public int MessageCost => inner.MessageCost;

    public bool Splits => inner.Splits;

    public int EphemeralBytes => inner.EphemeralBytes;

    public int Cost(int metaBytes, int contentBytes) => inner.Cost(metaBytes, contentBytes);

    public Task SendAsync(IReadOnlyList<EncodedMessage> messages, CancellationToken cancellationToken) => inner.SendAsync(messages, cancellationToken);

    public Task ReceiveAsync(Action<ReadOnlyMemory<byte>> received, Action connected, CancellationToken cancellationToken) => inner.ReceiveAsync(
        bytes =>
        {
            if (++_received % Every != 0) received(bytes);
        },
        connected,
        cancellationToken);
}
