namespace Notify.Engine.Delivery.Frames;

/// <summary>
/// What is written to connections in one go. Encoded at most once per format, by the first connection that needs it,
/// and shared by all: a thousand followers of a topic write the same buffer.
/// </summary>
internal abstract class OutgoingFrame
{
    private EncodedFrame? _json;
    private EncodedFrame? _messagePack;
    private EncodedFrame? _serverSentEvents;

    /// <summary>The notifications in it: what a session's queue is counted by.</summary>
    public abstract int Entries { get; }

    /// <summary>About how many bytes it takes encoded, known before it is.</summary>
    public abstract int EstimatedBytes { get; }

    // Two connections may encode at the same time: the same bytes twice, and one of them wins. Cheaper than a lock.
    public EncodedFrame For(FrameEncoder encoder) => encoder.Format switch
    {
        FrameFormat.Json => _json ??= EncodedBy(encoder),
        FrameFormat.MessagePack => _messagePack ??= EncodedBy(encoder),
        _ => _serverSentEvents ??= EncodedBy(encoder),
    };

    protected abstract ReadOnlyMemory<byte> Encode(FrameEncoder encoder);

    private EncodedFrame EncodedBy(FrameEncoder encoder)
    {
        var bytes = Encode(encoder);
        return new EncodedFrame(bytes, encoder.Package(bytes));
    }
}

/// <summary>The bytes of a frame in one format.</summary>
/// <param name="bytes">What goes over the connection.</param>
/// <param name="package">What the edge made of the bytes, once for all connections: see <see cref="FrameEncoder.Package"/>.</param>
internal sealed class EncodedFrame(ReadOnlyMemory<byte> bytes, object? package)
{
    public ReadOnlyMemory<byte> Bytes => bytes;
    public object? Package => package;
}
