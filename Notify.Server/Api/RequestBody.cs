using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Notify.Engine;
using Notify.Engine.Publishing;

namespace Notify.Server.Api;

/// <summary>
/// A request's body, read whole where the server received it: no stream, no copy while it fits one segment. Its bytes
/// are good until it is disposed of.
/// </summary>
internal readonly struct RequestBody : IDisposable
{
    private const int MostRentedBytes = 256 * 1024;

    private readonly PipeReader? _reader;
    private readonly ReadOnlySequence<byte> _bytes;
    private readonly RequestMemory? _memory;
    private readonly long _taken;
    private readonly byte[]? _rented;

    private RequestBody(PipeReader reader, ReadOnlySequence<byte> bytes, RequestMemory? memory, long taken)
    {
        (_reader, _bytes, _memory, _taken) = (reader, bytes, memory, taken);
        Bytes = WithoutMark(bytes.IsSingleSegment ? bytes.First : Joined(bytes, out _rented));
    }

    private RequestBody(Refusal refusal) => Refusal = refusal;

    /// <summary>All of it, but for a byte order mark: editors and shells of some systems put one before UTF-8.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Why the body was not read; null when it was.</summary>
    public Refusal? Refusal { get; }

    /// <summary>Reads a body of up to <paramref name="limit"/> bytes; of a refused one no more than that is read.</summary>
    public static async ValueTask<RequestBody> ReadAsync(HttpContext context, long limit)
    {
        if (context.Request.ContentLength > limit) return new RequestBody(PayloadLimit.TooLarge(limit));

        // Ours is the stricter limit, or, for a batch, deliberately the wider one.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature) feature.MaxRequestBodySize = null;

        var memory = limit > RequestMemory.Small ? context.RequestServices.GetRequiredService<RequestMemory>() : null;
        var taken = 0L;
        var isRead = false;
        try
        {
            // A body that says its length takes all of it at once, so that it is refused before it is sent.
            if (context.Request.ContentLength is > RequestMemory.Small and var length && memory is not null)
            {
                if (!memory.TryTake(length)) return new RequestBody(RequestMemory.Refusal);
                taken = length;
            }

            var reader = context.Request.BodyReader;
            while (true)
            {
                var result = await reader.ReadAsync(context.RequestAborted);
                var buffer = result.Buffer;
                if (Refused(buffer.Length) is { } refusal)
                {
                    reader.AdvanceTo(buffer.End);
                    return new RequestBody(refusal);
                }

                if (result.IsCompleted)
                {
                    isRead = true;
                    return new RequestBody(reader, buffer, memory, taken);
                }

                reader.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        finally
        {
            if (!isRead && taken > 0) memory!.Give(taken);
        }

        Refusal? Refused(long read)
        {
            if (read > limit) return PayloadLimit.TooLarge(limit);
            if (read <= Math.Max(taken, RequestMemory.Small) || memory is null) return null;
            if (!memory.TryTake(read - taken, taken)) return RequestMemory.Refusal;
            taken = read;
            return null;
        }
    }

    public void Dispose()
    {
        _reader?.AdvanceTo(_bytes.End);
        if (_rented is not null) ArrayPool<byte>.Shared.Return(_rented);
        if (_taken > 0) _memory!.Give(_taken);
    }

    // The pool's memory does not count against the requests': no more of it is kept than is small beside them.
    private static ReadOnlyMemory<byte> Joined(ReadOnlySequence<byte> bytes, out byte[]? rented)
    {
        rented = null;
        if (bytes.Length > MostRentedBytes) return bytes.ToArray();
        rented = ArrayPool<byte>.Shared.Rent((int)bytes.Length);
        bytes.CopyTo(rented);
        return rented.AsMemory(0, (int)bytes.Length);
    }

    private static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> bytes) => bytes.Span.StartsWith("\uFEFF"u8) ? bytes["\uFEFF"u8.Length..] : bytes;
}
