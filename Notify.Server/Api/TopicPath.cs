using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;
using Notify.Contracts;
using Notify.Engine;

namespace Notify.Server.Api;

/// <summary>
/// The topic in <c>/topics/{topic…}</c>, percent-decoded once. Taken from the request line: the server's own decoding
/// keeps <c>%2F</c>, and removes <c>.</c> and <c>..</c> segments, which are topic levels like any others.
/// </summary>
internal static class TopicPath
{
    private static readonly Refusal Broken = new(ErrorCodes.InvalidTopic, "The topic in the path is not percent-encoded UTF-8. For unusual topics use POST /api/v1/notifications.");

    public static Refusal? Read(HttpRequest request, out string topic)
    {
        topic = "";
        var target = request.HttpContext.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var start = target.IndexOf(ApiPaths.Topics, StringComparison.OrdinalIgnoreCase);
        if (start < 0) return Broken; // somebody percent-encoded '/api/v1/topics/' itself

        var raw = target.AsSpan(start + ApiPaths.Topics.Length);
        var query = raw.IndexOf('?');
        if (query >= 0) raw = raw[..query];
        return TryDecode(raw, out topic) ? null : Broken;
    }

    internal static bool TryDecode(ReadOnlySpan<char> raw, out string text)
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
                if (raw.Length < 3 || Convert.FromHexString(raw.Slice(1, 2), buffer.AsSpan(length), out _, out var written) != OperationStatus.Done) return false;
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
