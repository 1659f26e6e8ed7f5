using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace Notify.Server.Api;

/// <summary>
/// A request's body, read whole where the server received it: no stream, no copy while it fits one segment. Its bytes
/// are good until it is disposed of.
/// </summary>
internal readonly struct RequestBody(PipeReader reader, ReadOnlySequence<byte> bytes) : IDisposable
{
    /// <summary>All of it, but for a byte order mark: editors and shells of some systems put one before UTF-8.</summary>
    public ReadOnlyMemory<byte> Bytes { get; } = WithoutMark(bytes.IsSingleSegment ? bytes.First : bytes.ToArray());

    /// <summary>Null when it is longer than <paramref name="limit"/>: then at most that much was read.</summary>
    public static async ValueTask<RequestBody?> ReadAsync(HttpContext context, long limit)
    {
        if (context.Request.ContentLength > limit) return null;

        // Ours is the stricter limit, or, for a batch, deliberately the wider one.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature) feature.MaxRequestBodySize = null;

        var reader = context.Request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(context.RequestAborted);
            var buffer = result.Buffer;
            if (buffer.Length > limit)
            {
                reader.AdvanceTo(buffer.End);
                return null;
            }

            if (result.IsCompleted) return new RequestBody(reader, buffer);
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    public void Dispose() => reader.AdvanceTo(bytes.End);

    private static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> bytes) => bytes.Span.StartsWith("\uFEFF"u8) ? bytes["\uFEFF"u8.Length..] : bytes;
}
