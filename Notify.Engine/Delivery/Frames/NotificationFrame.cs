namespace Notify.Engine.Delivery.Frames;

/// <summary>Some notifications, in version order, that go out in one write.</summary>
internal sealed class NotificationFrame : OutgoingFrame
{
    /// <summary>Bytes of a piece: on its way for 13 s at 5 KB/s.</summary>
    public const int PieceBytes = 64 * 1024;

    private readonly DeliveryEntry[] _entries;
    private NotificationFrame[]? _pieces;

    public NotificationFrame(DeliveryEntry[] entries)
    {
        _entries = entries;
        foreach (var entry in entries) EstimatedBytes += entry.EstimatedBytes;
    }

    /// <summary>The version of the last of them.</summary>
    public long Last => _entries[^1].Version;

    public override int Entries => _entries.Length;
    public override int EstimatedBytes { get; }

    /// <summary>The part of it that is still wanted: itself, fewer, or null for nothing.</summary>
    public NotificationFrame? Where(Predicate<DeliveryEntry> wanted)
    {
        var left = Array.FindAll(_entries, wanted);
        return left.Length == _entries.Length ? this : left.Length == 0 ? null : new NotificationFrame(left);
    }

    /// <summary>Frames that follow one another, as one.</summary>
    public static NotificationFrame Of(ReadOnlySpan<NotificationFrame> frames)
    {
        var count = 0;
        foreach (var frame in frames) count += frame.Entries;
        var entries = new DeliveryEntry[count];
        var rest = entries.AsSpan();
        foreach (var frame in frames)
        {
            frame._entries.CopyTo(rest);
            rest = rest[frame.Entries..];
        }

        return new NotificationFrame(entries);
    }

    /// <summary>
    /// The same in several writes, of at most <see cref="PieceBytes"/> or one notification each. Cut once, for all connections: two that come at the
    /// same time may cut it twice, which costs less than a lock.
    /// </summary>
    public IReadOnlyList<NotificationFrame> Pieces =>
        _pieces ??= EstimatedBytes <= PieceBytes || _entries.Length == 1 ? [this] : [.. Cut(_entries, PieceBytes)];

    /// <summary>Entries in frames of at most so many bytes, or one notification.</summary>
    public static IEnumerable<NotificationFrame> Cut(IReadOnlyList<DeliveryEntry> entries, int bytes)
    {
        for (int from = 0, to; from < entries.Count; from = to)
        {
            var sum = 0;
            to = from;
            do sum += entries[to++].EstimatedBytes;
            while (to < entries.Count && sum + entries[to].EstimatedBytes <= bytes);
            yield return new NotificationFrame([.. entries.Skip(from).Take(to - from)]);
        }
    }

    protected override ReadOnlyMemory<byte> Encode(FrameEncoder encoder)
    {
        if (encoder.Format == FrameFormat.ServerSentEvents) return EncodeAtOnce(encoder);
        if (_entries.Length == 1) return _entries[0].Encoded(encoder);

        var length = 0;
        foreach (var entry in _entries) length += entry.Encoded(encoder).Length;
        var joined = GC.AllocateUninitializedArray<byte>(length);
        var at = 0;
        foreach (var entry in _entries)
        {
            var bytes = entry.Encoded(encoder);
            bytes.CopyTo(joined.AsMemory(at));
            at += bytes.Length;
        }

        return joined;
    }

    // Streams are few and follow different topics: their forms of an entry are not kept.
    private byte[] EncodeAtOnce(FrameEncoder encoder)
    {
        using var buffer = ThreadBuffer.Take();
        foreach (var entry in _entries) encoder.WriteNotification(buffer.Writer, entry.Entry);
        return buffer.Writer.WrittenSpan.ToArray();
    }
}

/// <summary>CaughtUp, Progress or Gap.</summary>
internal sealed class ControlFrame(string method, object payload) : OutgoingFrame
{
    public override int Entries => 0;
    public override int EstimatedBytes => 128;

    protected override ReadOnlyMemory<byte> Encode(FrameEncoder encoder) => encoder.Control(method, payload);
}
