namespace Notify.Storage.Log;

/// <summary>What both stores agree on beyond the schema.</summary>
public static class LogLimits
{
    /// <summary>The largest version: the largest integer that JavaScript holds exactly.</summary>
    public const long MaxVersion = (1L << 53) - 1;

    /// <summary>What an entry costs in memory or in a frame besides its content, roughly: objects, topic, id, times, key.</summary>
    public const int EntryOverheadBytes = 256;

    /// <summary>What an entry with so many bytes of content costs in memory or in a frame, roughly.</summary>
    public static int EstimatedBytes(int content) => content + EntryOverheadBytes;

    /// <summary>How long answers (idempotency keys, batch ids) are kept. The contract says at least 24 hours.</summary>
    internal static readonly TimeSpan AnswersKept = TimeSpan.FromHours(25);

    /// <summary>A thousand years. Beyond it the expiry would leave what a timestamp can hold, and fail its neighbours.</summary>
    private const long LongestTtl = 31_556_952_000;

    internal static long? Ttl(long? seconds) => seconds is { } ttl ? Math.Clamp(ttl, -LongestTtl, LongestTtl) : null;

    /// <summary>
    /// No name that begins with the prefix is above it, in the byte order of UTF-8: a name has at most 512 bytes,
    /// and U+10FFFF is the highest code point. Without an upper bound a rare prefix would read the index to its end.
    /// </summary>
    internal static string LastWithPrefix(string prefix) => prefix + HighestName;

    private static readonly string HighestName = string.Concat(Enumerable.Repeat("\U0010FFFF", 129));
}
