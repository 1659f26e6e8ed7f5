using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Notify.Engine.Publishing;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Cluster;

/// <summary>
/// Reads <see cref="LinkFormat"/> and believes nothing: lengths, ranges, text and JSON are checked before anything is
/// passed on, since one bad entry in the ring would fail every connection that it is encoded for. Never throws.
/// </summary>
internal ref struct LinkReader
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlyMemory<byte> _bytes;
    private int _at;
    private bool _failed;

    private LinkReader(ReadOnlyMemory<byte> bytes) => _bytes = bytes;

    private readonly int Left => _bytes.Length - _at;

    /// <summary>The sending node and its epoch; false when it is no message of this format.</summary>
    public static bool TryReadHeader(ReadOnlyMemory<byte> bytes, out Guid node, out Guid epoch)
    {
        (node, epoch) = (default, default);
        if (bytes.Length is < LinkFormat.HeaderBytes or > LinkFormat.MaxBytes || bytes.Span[0] != LinkFormat.Version) return false;
        node = new Guid(bytes.Span.Slice(2, 16));
        epoch = new Guid(bytes.Span.Slice(18, 16));
        return true;
    }

    /// <summary>The message, whole and valid, or null.</summary>
    public static LinkMessage? Read(ReadOnlyMemory<byte> bytes)
    {
        if (!TryReadHeader(bytes, out _, out var epoch)) return null;
        var reader = new LinkReader(bytes) { _at = LinkFormat.HeaderBytes };
        LinkMessage? message = (LinkKind)bytes.Span[1] switch
        {
            LinkKind.Entries => reader.ReadEntries(epoch),
            LinkKind.Position => reader.ReadRange() is var (first, last) ? new LinkMessage.Position(epoch, first, last) : null,
            LinkKind.Ephemeral => reader.ReadEphemeral(epoch),
            LinkKind.Signal => reader.ReadSignal(epoch),
            LinkKind.Hello => new LinkMessage.Hello(epoch),
            LinkKind.Presence => new LinkMessage.Presence(epoch, reader.ReadJson(reader.Left, JsonTokenType.StartObject)),
            _ => null,
        };
        return reader._failed || reader.Left != 0 ? null : message; // trailing bytes are an error too
    }

    private LinkMessage.Entries? ReadEntries(Guid epoch)
    {
        if (ReadRange() is not var (first, last) || last - first >= LinkFormat.MaxEntries) return null;
        var trace = ReadTrace();
        var entries = new LogEntry[last - first + 1];
        var lengths = new int[entries.Length];
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = ReadMeta(first + i, out lengths[i]);
            if (_failed || entries[i].TopicSeq < (entries[i].Kind == EntryKind.Notification ? 1 : 0)) return null;
        }

        for (var i = 0; i < entries.Length; i++) entries[i] = entries[i] with { Content = ReadJson(lengths[i], JsonTokenType.StartObject) };
        return new LinkMessage.Entries(epoch, entries) { Trace = trace };
    }

    private LinkMessage.Ephemeral? ReadEphemeral(Guid epoch)
    {
        var entry = ReadMeta(0, out var length);
        if (_failed || entry.Kind != EntryKind.Notification || entry.TopicSeq != 0) return null;
        return new LinkMessage.Ephemeral(epoch, entry with { Content = ReadJson(length, JsonTokenType.StartObject) });
    }

    private LinkMessage.Signal? ReadSignal(Guid epoch)
    {
        var to = (SignalTarget)ReadByte();
        var names = ReadTexts();
        var except = ReadTexts();
        var method = ReadText();
        if (_failed || to > SignalTarget.Users || (to == SignalTarget.All) != (names.Length == 0)) return null;
        return new LinkMessage.Signal(epoch, to, names, except, method, ReadJson(Left, JsonTokenType.StartArray));
    }

    private LogEntry ReadMeta(long version, out int contentBytes)
    {
        var entry = new LogEntry
        {
            Version = version,
            Id = ReadId(),
            Kind = (EntryKind)ReadByte(),
            Topic = ReadText(),
            TopicSeq = ReadNumber(),
            PublishedAt = ReadTime() ?? default,
            ExpiresAt = ReadTime(),
            Content = default,
        };
        contentBytes = (int)BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
        if (!DirectoryEntry.IsKnown(entry.Kind) || entry.TopicSeq < 0 || entry.PublishedAt == default || contentBytes is < 2 or > LinkFormat.MaxBytes)
            _failed = true;
        return entry;
    }

    private (long First, long Last)? ReadRange()
    {
        var (first, last) = (ReadNumber(), ReadNumber());
        return !_failed && first >= 1 && first <= last && last <= LogLimits.MaxVersion ? (first, last) : null;
    }

    /// <summary>A whole JSON value of this kind, as strict as what publishers send.</summary>
    private ReadOnlyMemory<byte> ReadJson(int length, JsonTokenType kind)
    {
        if (_failed || length > Left)
        {
            _failed = true;
            return default;
        }

        var json = _bytes.Slice(_at, length);
        _at += length;
        try
        {
            var reader = new Utf8JsonReader(json.Span, StrictJson.Options);
            _failed |= !reader.Read() || reader.TokenType != kind;
            while (!_failed && reader.Read())
            {
                // The reader checks the syntax, but texts only when they are asked for.
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && !IsText(ref reader)) _failed = true;
            }
        }
        catch (JsonException)
        {
            _failed = true;
        }

        return json;
    }

    private static bool IsText(ref Utf8JsonReader reader) =>
        System.Text.Unicode.Utf8.IsValid(reader.ValueSpan) && !(reader.ValueIsEscaped && StrictJson.HasUnpairedSurrogate(reader.ValueSpan));

    private string[] ReadTexts()
    {
        var count = BinaryPrimitives.ReadUInt16LittleEndian(Take(2));
        if (_failed || count > LinkFormat.MaxNames)
        {
            _failed = true;
            return [];
        }

        var texts = new string[count];
        for (var i = 0; i < count && !_failed; i++) texts[i] = ReadText();
        return texts;
    }

    /// <summary>A text of at least one byte.</summary>
    private string ReadText()
    {
        var length = BinaryPrimitives.ReadUInt16LittleEndian(Take(2));
        if (length is 0 or > LinkFormat.MaxNameBytes) _failed = true;
        if (_failed) return "";
        var utf8 = Take(length);
        if (!_failed && System.Text.Unicode.Utf8.IsValid(utf8)) return StrictUtf8.GetString(utf8);
        _failed = true;
        return "";
    }

    /// <summary>A time; null where none was written.</summary>
    private DateTimeOffset? ReadTime()
    {
        var ticks = ReadNumber();
        if (ticks >= 0 && ticks <= DateTime.MaxValue.Ticks) return ticks == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero);
        _failed = true;
        return null;
    }

    private ActivityContext ReadTrace()
    {
        var bytes = Take(LinkFormat.TraceBytes);
        var trace = bytes[..16];
        var span = bytes.Slice(16, 8);
        return trace.ContainsAnyExcept((byte)0) && span.ContainsAnyExcept((byte)0)
            ? new ActivityContext(ActivityTraceId.CreateFromBytes(trace), ActivitySpanId.CreateFromBytes(span),
                (ActivityTraceFlags)bytes[24] & ActivityTraceFlags.Recorded, isRemote: true)
            : default;
    }

    private long ReadNumber() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    private Guid ReadId() => new(Take(16));

    private byte ReadByte() => Take(1)[0];

    /// <summary>The next bytes; zeros, and failed, where there are not so many.</summary>
    private ReadOnlySpan<byte> Take(int count)
    {
        if (_failed || count > Left)
        {
            _failed = true;
            return new byte[count];
        }

        var taken = _bytes.Span.Slice(_at, count);
        _at += count;
        return taken;
    }
}
