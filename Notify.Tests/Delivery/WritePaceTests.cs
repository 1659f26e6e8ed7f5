using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;
using Notify.Storage.Log;

namespace Notify.Tests.Delivery;

/// <summary>How much goes to a client in one write, to the byte.</summary>
public sealed class WritePaceTests
{
    [Fact]
    public void Frames_go_out_whole_once_half_a_mebibyte_was_taken_at_once()
    {
        var pace = new WritePace();
        pace.Took(FrameOf(512 * 1024 - 300));
        Assert.False(pace.IsQuick);
        pace.Took(FrameOf(300), after: TimeSpan.FromSeconds(1));
        Assert.True(pace.IsQuick); // to the byte
        pace.Took(FrameOf(300), after: TimeSpan.FromSeconds(1.001));
        Assert.False(pace.IsQuick);
        pace.Took(FrameOf(512 * 1024 - 1)); // it begins anew
        Assert.False(pace.IsQuick);
    }

    [Fact]
    public void Frames_are_joined_once_for_all_up_to_a_quarter_of_a_mebibyte()
    {
        var frames = new JoinedFrames();
        var (a, b) = (FrameOf(256 * 1024 - 300, 1), FrameOf(300, 2));
        frames.Begin(a);
        Assert.Same(a, frames.Join());
        Assert.True(frames.TryAdd(b)); // to the byte
        Assert.False(frames.TryAdd(FrameOf(257, 3)));
        var joined = frames.Join();
        Assert.Equal((2, 2), (joined.Entries, joined.Last));

        frames.Begin(a);
        frames.TryAdd(b);
        Assert.Same(joined, frames.Join());
        frames.Clear();
        frames.Begin(a);
        frames.TryAdd(b);
        Assert.NotSame(joined, frames.Join());
    }

    private static NotificationFrame FrameOf(int bytes, long version = 1) =>
        new([new DeliveryEntry(Entries.At(version) with { Content = new byte[bytes - LogLimits.EntryOverheadBytes] })]);
}
