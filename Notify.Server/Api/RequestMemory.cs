using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Configuration;

namespace Notify.Server.Api;

/// <summary>
/// The memory of request bodies that are being read, over all requests. A batch may be long, and a client may send it slowly or
/// never finish it: without a bound over all of them twenty such clients held more than a gigabyte.
/// </summary>
/// <remarks>Bodies of up to <see cref="Small"/> bytes are not counted: the connections' own buffers hold them.</remarks>
internal sealed class RequestMemory(IOptions<NotifyOptions> options)
{
    /// <summary>The most bytes of a body that takes no part in the count.</summary>
    public const int Small = 64 * 1024;

    /// <summary>Of the memory that the process or its container has.</summary>
    private const int DefaultShare = 8;

    private const long MostByDefault = 128L * 1024 * 1024;

    private readonly long _limit = options.Value.Limits.RequestBytes is > 0 and var set ? set
        : Math.Min(MostByDefault, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / DefaultShare);
    private long _held;

    /// <summary>503: the client may repeat the request, of which nothing was stored.</summary>
    public static Refusal Refusal { get; } = new(
        ErrorCodes.StorageUnavailable,
            "The node is reading as many long requests as it has memory for (Notify:Limits:RequestBytes). Nothing was stored; try again in a second.");

    /// <summary>Takes memory for a body; false when the limit is reached. A body alone may be longer than the limit.</summary>
    public bool TryTake(long bytes, long already = 0)
    {
        var held = Interlocked.Add(ref _held, bytes);
        if (held <= _limit || held == already + bytes) return true;
        Interlocked.Add(ref _held, -bytes);
        return false;
    }

    public void Give(long bytes) => Interlocked.Add(ref _held, -bytes);
}
