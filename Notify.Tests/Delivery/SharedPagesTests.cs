using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Server.Wire;
using Notify.Storage.Log;

namespace Notify.Tests.Delivery;

public sealed class SharedPagesTests
{
    private static readonly LogView Log = new(new LogHead(Guid.NewGuid(), 100, 1), new Ring(100, 10, 1000));

    [Fact]
    public void A_page_is_for_sessions_at_the_same_cursor_of_the_same_log_with_the_same_filters()
    {
        var pages = new SharedPages(TimeProvider.System);
        var page = Page(1, 10);
        pages.Keep(new(Log, 5, "t"), page);

        Assert.True(pages.TryGet(new(Log, 5, "t"), out var same));
        Assert.Same(page, same);
        Assert.Same(page.Frames[0].For(FrameEncoders.Json), same.Frames[0].For(FrameEncoders.Json)); // encoded once
        Assert.False(pages.TryGet(new(Log, 6, "t"), out _));
        Assert.False(pages.TryGet(new(Log, 5, "t\nu"), out _));
        Assert.False(pages.TryGet(new(new LogView(new LogHead(Guid.NewGuid(), 100, 1), Log.Ring), 5, "t"), out _));
    }

    [Fact]
    public void What_may_have_expired_is_not_given_again()
    {
        var time = new Clock();
        var pages = new SharedPages(time);
        pages.Keep(new(Log, 5, "t"), Page(1, 10));
        time.Seconds = 1;
        Assert.False(pages.TryGet(new(Log, 5, "t"), out _));
        pages.Keep(new(Log, 5, "t"), Page(1, 10));
        Assert.True(pages.TryGet(new(Log, 5, "t"), out _));
    }

    [Fact]
    public void The_oldest_go_when_they_are_too_many_bytes()
    {
        var pages = new SharedPages(TimeProvider.System);
        var large = $$"""{"title":"{{new string('x', 60_000)}}","priority":"normal"}""";
        for (var cursor = 0; cursor < 200; cursor++) pages.Keep(new(Log, cursor, "t"), new CatchUpPage([new(Entries.At(cursor + 1, "t", large))], cursor + 1));
        Assert.False(pages.TryGet(new(Log, 0, "t"), out _));
        Assert.True(pages.TryGet(new(Log, 199, "t"), out _));
    }

    [Fact]
    public void A_page_that_is_kept_anew_counts_once()
    {
        var page = Page(1, 10);
        var pages = new SharedPages(new Clock(), maxBytes: 2L * page.EstimatedBytes);
        for (var i = 0; i < 10; i++) pages.Keep(new(Log, 5, "t"), page);
        pages.Keep(new(Log, 6, "t"), page); // no more bytes than there may be
        Assert.True(pages.TryGet(new(Log, 5, "t"), out _));
        pages.Keep(new(Log, 7, "t"), page);
        Assert.False(pages.TryGet(new(Log, 5, "t"), out _));
        Assert.True(pages.TryGet(new(Log, 6, "t"), out _) && pages.TryGet(new(Log, 7, "t"), out _));
    }

    [Fact]
    public void A_page_is_cut_into_writes_that_a_stalled_client_can_hold()
    {
        var content = $$"""{"title":"{{new string('x', 120_000)}}","priority":"normal"}""";
        var page = new CatchUpPage([.. Enumerable.Range(1, 5).Select(v => new DeliveryEntry(Entries.At(v, "t", content)))], 9);
        Assert.Equal([2, 2, 1], page.Frames.Select(f => f.Entries));
        Assert.Equal([2, 4, 5], page.Frames.Select(f => f.Last));
        Assert.Equal(9, page.Through);
    }

    private static CatchUpPage Page(long first, int count) => new([.. Entries.Range(first, count)], first + count - 1);

    private sealed class Clock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
