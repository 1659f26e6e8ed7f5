using System.Diagnostics;
using System.Text;
using CsCheck;
using Notify.Engine.Cluster;
using Notify.Engine.Cluster.Backplanes;
using Notify.Storage.Log;

namespace Notify.Tests.Cluster;

/// <summary>What one node writes another reads; anything else is refused, and nothing throws.</summary>
public class LinkFormatTests
{
    private static readonly Guid Node = Guid.NewGuid();

    private static readonly Gen<string> Name = Gen.String[1, 40].Where(text => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text);
    private static readonly Gen<ReadOnlyMemory<byte>> Json =
        Gen.Int.Select(Gen.OneOf(Gen.Const(""), Gen.Const("ä"), Gen.Const("\\u00e4\\n"), Gen.Const("𝄞")), (number, text) => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes($$"""{"n":{{number}},"text":"{{text}}"}"""));

    private static readonly Gen<DateTimeOffset> Time =
        Gen.Long[1, DateTime.MaxValue.Ticks].Select(ticks => new DateTimeOffset(ticks, TimeSpan.Zero));

    private static readonly Gen<LogEntry> Entry =
        from id in Gen.Guid
        from topic in Name
        from seq in Gen.Long[1, long.MaxValue]
        from published in Time
        from expires in Time.Nullable()
        from content in Json
        from kind in Gen.OneOf(Gen.Const(EntryKind.Notification), Gen.Const(EntryKind.MembersChanged))
        select new LogEntry
        {
            Version = 0,
            Id = id,
            Kind = kind,
            Topic = topic,
            TopicSeq = seq,
            PublishedAt = published,
            ExpiresAt = expires,
            Content = content
        };

    private static readonly Gen<ActivityContext> Trace = Gen.OneOf(
        Gen.Const(default(ActivityContext)),
        Gen.Select(Gen.Byte.Array[16], Gen.Byte.Array[8], Gen.Enum<ActivityTraceFlags>(), (trace, span, flags) =>
            new ActivityContext(ActivityTraceId.CreateFromBytes([1, .. trace[1..]]), ActivitySpanId.CreateFromBytes([1, .. span[1..]]),
                flags & ActivityTraceFlags.Recorded, isRemote: true)));

    private static readonly Gen<LinkMessage> Message = Gen.OneOf<LinkMessage>(
        Gen.Select(Gen.Guid, Gen.Long[1, LogLimits.MaxVersion - 20], Entry.Array[1, 20], Trace, (epoch, first, entries, trace) =>
            new LinkMessage.Entries(epoch, [.. entries.Select((entry, i) => entry with { Version = first + i })]) { Trace = trace }),
        Gen.Select(Gen.Guid, Gen.Long[1, 1000], Gen.Long[0, 1000], (epoch, first, more) => new LinkMessage.Position(epoch, first, first + more)),
        Gen.Guid.Select(epoch => (LinkMessage)new LinkMessage.Hello(epoch)),
        Gen.Select(Gen.Guid, Entry, (epoch, entry) => new LinkMessage.Ephemeral(epoch, entry with { TopicSeq = 0, Kind = EntryKind.Notification })),
        Gen.Select(Gen.Guid, Gen.Enum<SignalTarget>(), Name.Array[1, 5], Name.Array[0, 3], Name, (epoch, to, names, except, method) =>
            new LinkMessage.Signal(epoch, to, to == SignalTarget.All ? [] : names, except, method, "[1,{\"a\":[]}]"u8.ToArray())));

    [Fact]
    public void What_is_written_is_read() => Message.Sample(message =>
    {
        var encoded = LinkWriter.Write(Node, message);
        Assert.True(LinkReader.TryReadHeader(encoded.Bytes, out var node, out var epoch));
        Assert.Equal((Node, message.Epoch), (node, epoch));
        Same(message, LinkReader.Read(encoded.Bytes));
    });

    [Fact]
    public void What_goes_as_text_comes_back_as_bytes() => Message.Sample(message =>
    {
        var encoded = LinkWriter.Write(Node, message);
        var text = PostgresBackplane.ToText(encoded);
        Assert.Equal(encoded.Bytes, PostgresBackplane.FromText(text).ToArray());
        Assert.DoesNotContain('\0', text);
        Assert.Equal(new PostgresBackplane(null!, null!, null!, null!).Cost(encoded.ContentsAt, encoded.Bytes.Length - encoded.ContentsAt),
            Encoding.UTF8.GetByteCount(text));
    });

    [Fact]
    public void Any_bytes_are_read_or_refused() => Gen.Byte.Array[0, 300].Sample(bytes =>
    {
        LinkReader.Read(bytes);
        bytes = [LinkFormat.Version, (byte)(1 + bytes.Length % 5), .. bytes];
        LinkReader.Read(bytes);
    });

    [Fact]
    public void Any_text_is_read_or_refused() => Gen.String.Sample(text => LinkReader.Read(PostgresBackplane.FromText(text)));

    [Fact]
    public void A_damaged_message_is_refused_or_is_another_valid_one() =>
        Gen.Select(Message, Gen.Int[0, int.MaxValue], Gen.Byte, Gen.Int[-3, 3]).Sample((message, at, value, longer) =>
        {
            var bytes = LinkWriter.Write(Node, message).Bytes;
            bytes[at % bytes.Length] = value;
            Array.Resize(ref bytes, bytes.Length + longer);
            if (LinkReader.Read(bytes) is not { } read) return;
            Assert.Equal(0, longer); // a byte more or less is never right
            Same(read, LinkReader.Read(LinkWriter.Write(Node, read).Bytes));
        });

    [Fact]
    public void A_message_that_is_cut_short_is_refused() => Gen.Select(Message, Gen.Int[0, int.MaxValue]).Sample((message, at) =>
    {
        var bytes = LinkWriter.Write(Node, message).Bytes;
        Assert.Null(LinkReader.Read(bytes.AsMemory(0, at % bytes.Length)));
    });

    [Theory]
    [InlineData("""{"title":"x" """)]
    [InlineData("""{"title":"\ud800"}""")]
    [InlineData("""["x"]""")]
    [InlineData("""{"title":"x"} {}""")]
    public void Contents_that_clients_could_not_read_are_refused(string content) =>
        Assert.Null(LinkReader.Read(LinkWriter.Write(Node, new LinkMessage.Entries(Node, [Delivery.Entries.At(1, content: content)])).Bytes));

    [Fact]
    public void More_than_the_largest_message_is_refused()
    {
        var large = Delivery.Entries.At(1, content: $$"""{"body":"{{new string('x', LinkFormat.MaxBytes)}}"}""");
        Assert.Null(LinkReader.Read(LinkWriter.Write(Node, new LinkMessage.Entries(Node, [large])).Bytes));
    }

    [Fact]
    public void A_range_that_goes_back_is_refused() =>
        Assert.Null(LinkReader.Read(LinkWriter.Write(Node, new LinkMessage.Position(Node, 5, 4)).Bytes));

    // Contents are memory, which compares by identity.
    private static void Same(LinkMessage expected, LinkMessage? read)
    {
        Assert.NotNull(read);
        Assert.Equal(Text(expected), Text(read));
    }

    private static string Text(LinkMessage message) => message switch
    {
        LinkMessage.Entries(var epoch, var entries) { Trace: var trace } =>
            $"{epoch} {trace.TraceId} {trace.SpanId} {trace.TraceFlags} {string.Join(", ", entries.Select(Text))}",
        LinkMessage.Ephemeral(var epoch, var entry) => $"{epoch} ephemeral {Text(entry)}",
        LinkMessage.Signal signal => $"{signal.Epoch} {signal.To} {string.Join('|', signal.Names)} {string.Join('|', signal.Except)} {signal.Method} " +
            $"{Encoding.UTF8.GetString(signal.Arguments.Span)}",
        _ => message.ToString(),
    };

    private static string Text(LogEntry entry) => $"{entry with { Content = default }} {Encoding.UTF8.GetString(entry.Content.Span)}";
}
