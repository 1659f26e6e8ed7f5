using System.Text;
using Notify.Storage.Log;

namespace Notify.Engine.Cluster;

/// <summary>
/// The bytes of a <see cref="LinkMessage"/>: a header (format, kind, node, epoch), what is known of each entry, and then
/// the contents one after the other. Little endian, nothing optional.
/// </summary>
/// <remarks>
/// The contents come last because they are JSON: a backplane that takes only text encodes what is before them and sends
/// them as they are.
/// </remarks>
internal static class LinkFormat
{
    /// <summary>Another format is another number: nodes of both versions then run side by side, each reading the log for the other's.</summary>
    public const byte Version = 2;

    /// <summary>The largest message that is sent or taken.</summary>
    public const int MaxBytes = 1024 * 1024;

    public const int MaxEntries = 4096;
    public const int MaxNames = 1024;
    public const int MaxNameBytes = 1024;

    /// <summary>Format, kind, node, epoch.</summary>
    public const int HeaderBytes = 1 + 1 + 16 + 16;

    /// <summary>First and last version.</summary>
    public const int RangeBytes = 8 + 8;

    /// <summary>A trace, a span in it, and whether it is recorded; zeros for none.</summary>
    public const int TraceBytes = 16 + 8 + 1;

    // Identity, kind, topic's length, sequence, two times, content's length.
    private const int EntryBytes = 16 + 1 + 2 + 8 + 8 + 8 + 4;

    /// <summary>What an entry takes besides its content.</summary>
    public static int MetaBytes(LogEntry entry) => EntryBytes + Encoding.UTF8.GetByteCount(entry.Topic);
}

/// <summary>The kinds of message, as on the wire.</summary>
internal enum LinkKind : byte
{
    Entries = 1,
    Position = 2,
    Ephemeral = 3,
    Signal = 4,
    Hello = 5,
    Presence = 6,
}

/// <summary>A message as bytes.</summary>
/// <param name="Bytes">All of it.</param>
/// <param name="ContentsAt">Where the contents begin.</param>
/// <param name="Kind">For the count.</param>
internal readonly record struct EncodedMessage(byte[] Bytes, int ContentsAt, LinkKind Kind);
