using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Notify.Server.Http;

/// <summary>Percent-decoding that refuses what is not percent-encoded UTF-8, where the server's own leaves it as it is.</summary>
internal static class PercentEncoding
{
    /// <summary>Decodes once; false when an escape is broken or the bytes are no UTF-8.</summary>
    public static bool TryDecode(ReadOnlySpan<char> raw, out string text)
    {
        text = "";
        var buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(raw.Length));
        try
        {
            var length = 0;
            while (!raw.IsEmpty)
            {
                var plain = raw.IndexOf('%');
                if (plain < 0) plain = raw.Length;
                length += Encoding.UTF8.GetBytes(raw[..plain], buffer.AsSpan(length));
                raw = raw[plain..];
                if (raw.IsEmpty) break;
                if (raw.Length < 3 || Convert.FromHexString(raw.Slice(1, 2), buffer.AsSpan(length), out _, out var written) != OperationStatus.Done)
                    return false;
                length += written;
                raw = raw[3..];
            }

            if (!Utf8.IsValid(buffer.AsSpan(0, length))) return false;
            text = Encoding.UTF8.GetString(buffer, 0, length);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
