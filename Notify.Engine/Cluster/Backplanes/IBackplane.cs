namespace Notify.Engine.Cluster.Backplanes;

/// <summary>
/// How a node's messages reach the others: one implementation for each thing that nodes can share. A backplane may lose,
/// delay and repeat; it may also bring a node its own messages.
/// </summary>
internal interface IBackplane
{
    /// <summary>False when there can be no other node.</summary>
    bool Crosses { get; }

    /// <summary>The most that one message may cost.</summary>
    int MessageCost { get; }

    /// <summary>Whether a batch that costs more goes as several messages; else only its position goes.</summary>
    bool Splits { get; }

    /// <summary>Bytes of content an ephemeral notification may have to reach the other nodes.</summary>
    int EphemeralBytes { get; }

    /// <summary>What a message of so many bytes costs.</summary>
    int Cost(int metaBytes, int contentBytes);

    /// <summary>Sends these, in order; throws when they may not have been sent. One call at a time.</summary>
    Task SendAsync(IReadOnlyList<EncodedMessage> messages, CancellationToken cancellationToken);

    /// <summary>
    /// Receives until it is told to stop, connecting again as often as it takes. Calls neither <paramref name="received"/>
    /// (in the order of one sender) nor <paramref name="connected"/> (what was sent before may have been missed)
    /// concurrently with itself; neither throws.
    /// </summary>
    Task ReceiveAsync(Action<ReadOnlyMemory<byte>> received, Action connected, CancellationToken cancellationToken);
}
