using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Notify.Storage.Log;

namespace Notify.Server.Wire;

/// <summary>
/// A log entry as the JSON object that clients see: the entry's own members around its content, which is spliced in
/// byte for byte, never parsed. Every path to a client (frames, pages, single reads) goes through here.
/// </summary>
/// <remarks>
/// <c>{"version":1,"id":"…","topic":"…","topicSeq":1,</c> content without its braces <c>,"publishedAt":"…","expiresAt":"…"}</c>.
/// Version 0 means ephemeral: no version and no topicSeq, but <c>"ephemeral":true</c> at the end.
/// </remarks>
internal static class NotificationJson
{
    // What surrounds topic and content, generously: names and punctuation 100, a GUID 36, two longs 40, two times 56.
    private const int FixedBytes = LogLimits.EntryOverheadBytes;

    // A control character becomes \u00XX. A character of the topic is at most three UTF-8 bytes, or six when escaped.
    private const int MaxBytesPerTopicChar = 6;

    /// <summary>Appends the object of <paramref name="entry"/> to <paramref name="output"/>, in one piece.</summary>
    public static void Write(IBufferWriter<byte> output, LogEntry entry)
    {
        var content = entry.Content.Span;
        var into = new Piece(output.GetSpan(FixedBytes + entry.Topic.Length * MaxBytesPerTopicChar + content.Length));
        var stored = entry.Version > 0;

        into.Raw("{"u8);
        if (stored)
        {
            into.Raw("\"version\":"u8);
            into.Number(entry.Version);
            into.Raw(","u8);
        }

        into.Raw("\"id\":\""u8);
        into.Id(entry.Id);
        into.Raw("\",\"topic\":\""u8);
        into.Escaped(entry.Topic);
        into.Raw("\","u8);
        if (stored)
        {
            into.Raw("\"topicSeq\":"u8);
            into.Number(entry.TopicSeq);
            into.Raw(","u8);
        }

        Debug.Assert(content is [(byte)'{', .., (byte)'}'], "Content is one JSON object without whitespace around it.");
        if (content.Length > 2)
        {
            into.Raw(content[1..^1]);
            into.Raw(","u8);
        }

        into.Raw("\"publishedAt\":\""u8);
        into.Time(entry.PublishedAt);
        if (entry.ExpiresAt is { } expiresAt)
        {
            into.Raw("\",\"expiresAt\":\""u8);
            into.Time(expiresAt);
        }

        into.Raw(stored ? "\"}"u8 : "\",\"ephemeral\":true}"u8);
        output.Advance(into.Written);
    }

    private ref struct Piece(Span<byte> rest)
    {
        private Span<byte> _rest = rest;

        public int Written { get; private set; }

        public void Raw(scoped ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(_rest);
            Advance(bytes.Length);
        }

        public void Number(long value)
        {
            Utf8Formatter.TryFormat(value, _rest, out var written);
            Advance(written);
        }

        public void Id(Guid value)
        {
            Utf8Formatter.TryFormat(value, _rest, out var written);
            Advance(written);
        }

        public void Time(DateTimeOffset value)
        {
            Span<byte> text = stackalloc byte[WireTime.BufferBytes];
            Raw(WireTime.Write(value, text));
        }

        public void Escaped(string text)
        {
            var encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
            Utf8.FromUtf16(text, _rest, out _, out var written);
            if (encoder.FindFirstCharacterToEncodeUtf8(_rest[..written]) < 0)
            {
                Advance(written);
                return;
            }

            Raw(System.Text.Encoding.UTF8.GetBytes(encoder.Encode(text)));
        }

        private void Advance(int count)
        {
            _rest = _rest[count..];
            Written += count;
        }
    }
}
