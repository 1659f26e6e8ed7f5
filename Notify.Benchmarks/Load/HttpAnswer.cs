using System.Buffers.Text;

namespace Notify.Benchmarks.Load;

/// <summary>Reads one answer of a kept-alive HTTP/1.1 connection, of known length or chunked.</summary>
internal ref struct HttpAnswer
{
    /// <summary>0 while it has not all arrived.</summary>
    public int Status;
    public ReadOnlySpan<byte> Body;

    public static HttpAnswer Read(ReadOnlySpan<byte> received)
    {
        var end = received.IndexOf("\r\n\r\n"u8);
        if (end < 0) return default;
        var body = received[(end + 4)..];
        return IsWhole(received[..end], body) && Utf8Parser.TryParse(received[9..], out int status, out _)
            ? new HttpAnswer { Status = status, Body = body }
            : default;
    }

    private static bool IsWhole(ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        var length = head.IndexOf("Content-Length: "u8);
        if (length >= 0) return Utf8Parser.TryParse(head[(length + 16)..], out int bytes, out _) && body.Length >= bytes;
        return head.IndexOf("Transfer-Encoding: chunked"u8) < 0 || body.SequenceEqual("0\r\n\r\n"u8) || body.EndsWith("\r\n0\r\n\r\n"u8);
    }
}
