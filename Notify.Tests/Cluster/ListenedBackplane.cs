using System.Collections.Concurrent;
using Notify.Engine.Cluster;
using Notify.Engine.Cluster.Backplanes;

namespace Notify.Tests.Cluster;

/// <summary>A backplane, and what it was given to send.</summary>
internal sealed class ListenedBackplane(IBackplane inner) : IBackplane, IAsyncDisposable
{
    private readonly ConcurrentQueue<LinkMessage?> _said = [];

    public IReadOnlyCollection<LinkMessage?> Said => _said;

    public bool Crosses => inner.Crosses;

    public int MessageCost => inner.MessageCost;

    public bool Splits => inner.Splits;

    public int EphemeralBytes => inner.EphemeralBytes;

    public int Cost(int metaBytes, int contentBytes) => inner.Cost(metaBytes, contentBytes);

    public Task SendAsync(IReadOnlyList<EncodedMessage> messages, CancellationToken cancellationToken)
    {
        foreach (var message in messages) _said.Enqueue(LinkReader.Read(message.Bytes));
        return inner.SendAsync(messages, cancellationToken);
    }

    public Task ReceiveAsync(Action<ReadOnlyMemory<byte>> received, Action connected, CancellationToken cancellationToken) =>
        inner.ReceiveAsync(received, connected, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (inner is IAsyncDisposable open) await open.DisposeAsync();
        else (inner as IDisposable)?.Dispose();
    }
}
