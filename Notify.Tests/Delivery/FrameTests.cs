using System.Buffers;
using System.Text;
using System.Text.Json;
using MessagePack;
using Microsoft.AspNetCore.SignalR.Protocol;
using Notify.Engine.Delivery.Frames;
using Notify.Server.Wire;
using Notify.Storage.Log;

namespace Notify.Tests.Delivery;

public class FrameTests
{
    private const string Content =
        """{"title":"Größe","data":{"n":9007199254740993,"big":18446744073709551615,"pi":3.5,"list":[1,null,true,"\u00e9"],"o":{}},"priority":"high","tags":["eu"]}""";

    [Fact]
    public void A_joined_JSON_frame_is_one_invocation_after_the_other()
    {
        var frame = new NotificationFrame([new(Entries.At(1, "a/ü", Content)), new(Entries.At(2))]);
        var messages = Encoding.UTF8.GetString(frame.For(FrameEncoders.Json).Bytes.Span).Split('\u001e', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(2, messages.Length);
        using var first = JsonDocument.Parse(messages[0]);
        Assert.Equal("Notification", first.RootElement.GetProperty("target").GetString());
        var notification = first.RootElement.GetProperty("arguments")[0];
        Assert.Equal(
            """{"version":1,"id":"0198c0de-0000-7000-8000-000000000001","topic":"a/ü","topicSeq":1,"""
            + Content[1..^1] + ""","publishedAt":"2026-11-23T05:00:00.123Z"}""",
            notification.GetRawText());
    }

    [Fact]
    public void A_MessagePack_frame_is_native_and_what_the_stock_protocol_reads()
    {
        var bytes = new NotificationFrame([new(Entries.At(7, "a/ü", Content))]).For(FrameEncoders.MessagePack).Bytes;
        var input = new ReadOnlySequence<byte>(bytes);

        var protocol = new MessagePackHubProtocol();
        Assert.True(protocol.TryParseMessage(ref input, new Binder(), out var message));
        Assert.True(input.IsEmpty);
        var invocation = Assert.IsType<InvocationMessage>(message);
        Assert.Equal("Notification", invocation.Target);
        var map = Assert.IsType<Dictionary<object, object>>(invocation.Arguments[0]);
        Assert.Equal(7, Convert.ToInt64(map["version"]));
        Assert.Equal("2026-11-23T05:00:00.123Z", map["publishedAt"]);
        Assert.DoesNotContain("expiresAt", map.Keys);
        var data = Assert.IsType<Dictionary<object, object>>(map["data"]);
        Assert.Equal(9007199254740993L, Convert.ToInt64(data["n"]));
        Assert.Equal(18446744073709551615UL, data["big"]);
        Assert.Equal(3.5, data["pi"]);
        Assert.Equal("é", Assert.IsType<object[]>(data["list"])[3]);
    }

    [Fact]
    public void A_long_MessagePack_message_has_a_length_of_several_bytes()
    {
        var content = $$"""{"body":"{{new string('x', 40_000)}}","priority":"normal"}""";
        var input = new ReadOnlySequence<byte>(new NotificationFrame([new(Entries.At(1, "t", content)), new(Entries.At(2))])
            .For(FrameEncoders.MessagePack).Bytes);
        var protocol = new MessagePackHubProtocol();
        Assert.True(protocol.TryParseMessage(ref input, new Binder(), out _));
        Assert.True(protocol.TryParseMessage(ref input, new Binder(), out _));
        Assert.True(input.IsEmpty);
    }

    [Fact]
    public void What_is_still_wanted_of_a_frame_is_itself_or_fewer_or_nothing()
    {
        var frame = new NotificationFrame(Entries.Range(1, 3));
        Assert.Same(frame, frame.Where(_ => true));
        Assert.Equal((2, 3), (frame.Where(entry => entry.Version > 1)!.Entries, frame.Where(entry => entry.Version > 1)!.Last));
        Assert.Null(frame.Where(_ => false));
    }

    [Fact]
    public void A_frame_is_cut_into_pieces_of_at_most_their_bytes_and_once()
    {
        Assert.Equal([1], Pieces(1, NotificationFrame.PieceBytes * 2));
        Assert.Equal([2], Pieces(2, NotificationFrame.PieceBytes / 2));
        Assert.Equal([2, 1], Pieces(3, NotificationFrame.PieceBytes / 2));
        Assert.Equal([1, 1], Pieces(2, NotificationFrame.PieceBytes / 2 + 1));

        static IEnumerable<int> Pieces(int count, int bytes)
        {
            var content = $$"""{"body":"{{new string('x', bytes - LogLimits.EntryOverheadBytes - """{"body":""}""".Length)}}"}""";
            var frame = new NotificationFrame([.. Enumerable.Range(1, count).Select(version => new DeliveryEntry(Entries.At(version, "t", content)))]);
            Assert.Equal(count * bytes, frame.EstimatedBytes);
            Assert.Same(frame.Pieces, frame.Pieces);
            if (frame.Pieces.Count == 1) Assert.Same(frame, frame.Pieces[0]);
            return frame.Pieces.Select(piece => piece.Entries);
        }
    }

    [Fact]
    public void A_frame_is_encoded_once_for_each_format()
    {
        var frame = new NotificationFrame(Entries.Range(1, 2));
        FrameEncoder[] encoders = [FrameEncoders.Json, FrameEncoders.MessagePack, FrameEncoders.ServerSentEvents];
        Assert.All(encoders, encoder => Assert.Same(frame.For(encoder), frame.For(encoder)));
        Assert.Equal(3, encoders.Select(encoder => frame.For(encoder)).Distinct().Count());
    }

    [Fact]
    public void An_ephemeral_one_has_no_version_and_says_so()
    {
        var json = Encoding.UTF8.GetString(new NotificationFrame([new(Entries.At(0))]).For(FrameEncoders.Json).Bytes.Span);
        Assert.DoesNotContain("version", json, StringComparison.Ordinal);
        Assert.DoesNotContain("topicSeq", json, StringComparison.Ordinal);
        Assert.Contains("\"ephemeral\":true", json, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_break_in_data_does_not_end_the_data_line_of_a_stream()
    {
        var text = Encoding.UTF8.GetString(new NotificationFrame([new(Entries.At(5, "t", "{\"data\":{\r\n\"a\":1}}"))])
            .For(FrameEncoders.ServerSentEvents).Bytes.Span);
        Assert.StartsWith("event: notification\nid: 5\ndata: {", text, StringComparison.Ordinal);
        Assert.EndsWith("}\n\n", text, StringComparison.Ordinal);
        Assert.Equal(4, text.Count(c => c == '\n'));
        Assert.DoesNotContain('\r', text);
    }

    [Fact]
    public void Is_encoded_once_for_all_connections()
    {
        var frame = new NotificationFrame([new(Entries.At(1)), new(Entries.At(2))]);
        Assert.Same(frame.For(FrameEncoders.Json), frame.For(FrameEncoders.Json));
    }

    private sealed class Binder : Microsoft.AspNetCore.SignalR.IInvocationBinder
    {
        public IReadOnlyList<Type> GetParameterTypes(string methodName) => [typeof(object)];
        public Type GetReturnType(string invocationId) => typeof(object);
        public Type GetStreamItemType(string streamId) => typeof(object);
    }
}
