namespace Notify.Engine.Cluster.Backplanes;

/// <summary>One node: a SQLite file belongs to one process.</summary>
internal sealed class NoBackplane : IBackplane
{
    public bool Crosses => false;

    public int MessageCost => LinkFormat.MaxBytes;

    public bool Splits => true;

    public int EphemeralBytes => int.MaxValue;

    public int Cost(int metaBytes, int contentBytes) => metaBytes + contentBytes;

    public Task SendAsync(IReadOnlyList<EncodedMessage> messages, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task ReceiveAsync(Action<ReadOnlyMemory<byte>> received, Action connected, CancellationToken cancellationToken) => Task.CompletedTask;
}
