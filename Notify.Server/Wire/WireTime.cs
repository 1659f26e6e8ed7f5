using System.Buffers.Text;

namespace Notify.Server.Wire;

/// <summary>Times as the contract has them: RFC 3339, UTC, milliseconds, <c>Z</c>.</summary>
internal static class WireTime
{
    /// <summary>Of the buffer: the round-trip format, of which the first bytes are the wire's. It is much faster than a custom format.</summary>
    public const int BufferBytes = 28;

    private const int MillisecondBytes = 23;

    /// <summary>The time's text, in <paramref name="buffer"/>.</summary>
    public static ReadOnlySpan<byte> Write(DateTimeOffset value, Span<byte> buffer)
    {
        Utf8Formatter.TryFormat(value.UtcDateTime, buffer, out _, 'O');
        buffer[MillisecondBytes] = (byte)'Z';
        return buffer[..(MillisecondBytes + 1)];
    }
}
