namespace Notify.Benchmarks.Wire;

internal enum HubMessageKind
{
    Other,
    Notification,
    Answer,
    FailedAnswer,
    CaughtUp,
    Gap,
    Close,
}

/// <summary>SignalR's wire by hand: just enough to count and check what arrives, as cheaply as possible.</summary>
internal abstract class HubWire
{
    public static HubWire Json { get; } = new JsonHubWire();
    public static HubWire MessagePack { get; } = new MessagePackHubWire();

    /// <summary>The protocol's name.</summary>
    public abstract string Name { get; }

    /// <summary>The first WebSocket frame of a connection.</summary>
    public abstract byte[] Handshake { get; }

    /// <summary>A frame with the protocol's keep-alive.</summary>
    public abstract byte[] Ping { get; }

    public static HubWire Named(string name) => name switch
    {
        "json" => Json,
        "messagepack" => MessagePack,
        _ => throw new ArgumentException($"--protocol is json or messagepack, not '{name}'."),
    };

    /// <summary>A frame that calls Notify's Resume.</summary>
    public abstract byte[] Resume(string[] topics, long? since);

    /// <summary>A frame that calls the stock hub's Join.</summary>
    public abstract byte[] Join(string topic);

    /// <summary>A frame that calls Notify's Publish.</summary>
    public abstract byte[] Publish(string topic, string body);

    /// <summary>The length of the first whole message, separator included; 0 when it has not all arrived.</summary>
    public abstract int MessageLength(ReadOnlySpan<byte> input);

    public abstract HubMessageKind Classify(ReadOnlySpan<byte> message);

    /// <summary>The integer of a member, −1 when absent.</summary>
    public abstract long Number(ReadOnlySpan<byte> message, ReadOnlySpan<byte> name);

    /// <summary>The digits that a notification's body begins with: when it was published; 0 when it has none.</summary>
    public abstract long Stamp(ReadOnlySpan<byte> message);

    protected static long Digits(ReadOnlySpan<byte> text)
    {
        long value = 0;
        foreach (var digit in text)
        {
            if (digit is < (byte)'0' or > (byte)'9') break;
            value = (value * 10) + (digit - '0');
        }

        return value;
    }
}
