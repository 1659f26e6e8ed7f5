using Notify.Contracts.Hub;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;
using Notify.Server.Wire;

namespace Notify.Tests.Delivery;

public class SessionQueueTests
{
    private readonly JoinedFrames _joined = new();
    private SessionQueue _queue;

    [Fact]
    public void An_empty_queue_takes_one_frame_of_any_size_and_a_full_one_none()
    {
        var large = Frame(1, 100);
        Assert.True(_queue.Fits(large, 10, 10));
        _queue.Add(large, 1);
        Assert.False(_queue.Fits(Frame(1, 1), 10, int.MaxValue));
        Assert.Equal((large, 1), _queue.Take());
        Assert.True(_queue.IsEmpty);
        Assert.True(_queue.Fits(large, 10, 10));
    }

    [Fact]
    public void Both_bounds_are_reached_and_not_passed_and_taking_makes_room()
    {
        var (three, two) = (Frame(1, 3), Frame(4, 2));
        _queue.Add(three, 7);
        Assert.True(_queue.Fits(two, 5, int.MaxValue));
        Assert.False(_queue.Fits(two, 4, int.MaxValue));
        Assert.True(_queue.Fits(two, int.MaxValue, three.EstimatedBytes + two.EstimatedBytes));
        Assert.False(_queue.Fits(two, int.MaxValue, three.EstimatedBytes + two.EstimatedBytes - 1));

        _queue.Add(two, 8);
        Assert.Equal((three, 7), _queue.Take());
        Assert.True(_queue.Fits(three, 5, two.EstimatedBytes + three.EstimatedBytes));
        _queue.Clear();
        Assert.True(_queue.IsEmpty);
        _queue.Add(two, 9);
        Assert.True(_queue.Fits(three, 5, two.EstimatedBytes + three.EstimatedBytes));
        Assert.Equal((two, 9), _queue.Take());
    }

    [Fact]
    public void What_waits_is_taken_together_and_joined_once_for_all()
    {
        var (one, two, three) = (Frame(1, 3), Frame(4, 2), Frame(6, 1));
        foreach (var frame in (NotificationFrame[])[two, three]) _queue.Add(frame, 7);
        var all = _queue.TakeTogether(one, 7, _joined);
        Assert.Equal((6, 6L), (all.Entries, all.Last));
        Assert.Equal((byte[])[.. Json(one), .. Json(two), .. Json(three)], Json(all));
        Assert.True(_queue.IsEmpty);
        Assert.Same(all, _queue.TakeTogether(all, 7, _joined));
        Assert.True(_queue.Fits(Frame(7, 6), 6, all.EstimatedBytes)); // all that was taken is counted off

        Assert.Same(all, Together(one, two, three));
        Assert.NotSame(all, Together(Frame(1, 3), two, three)); // of another unit, or of other interests
        Assert.NotSame(Together(one, two, three), Together(one, Frame(4, 2), three));
        Assert.Equal((5, 5L), (Together(one, two).Entries, Together(one, two).Last));
        all = Together(one, two, three);
        _joined.Clear();
        Assert.NotSame(all, Together(one, two, three));
    }

    [Fact]
    public void What_was_made_for_other_interests_or_is_no_notification_or_too_much_is_not_taken_together()
    {
        var one = Frame(1, 1);
        _queue.Add(Frame(2, 1), 7);
        _queue.Add(Frame(3, 1), 8);
        Assert.Equal(2, _queue.TakeTogether(one, 7, _joined).Last);
        Assert.Same(one, _queue.TakeTogether(one, 7, _joined));
        _queue.Take();
        _queue.Add(new ControlFrame(ClientMethods.CaughtUp, new CaughtUp(1, Guid.NewGuid().ToString())), 7);
        Assert.Same(one, _queue.TakeTogether(one, 7, _joined));
        _queue.Take();

        var most = Frame(3, 256 * 1024 / one.EstimatedBytes - 1);
        _queue.Add(Frame(2, 1), 7);
        _queue.Add(most, 7);
        Assert.Equal(2, _queue.TakeTogether(one, 7, _joined).Last);
        Assert.Equal((most, 7), _queue.Take());
        _queue.Add(most, 7);
        Assert.Equal(most.Last, _queue.TakeTogether(Frame(2, 1), 7, _joined).Last);
    }

    private NotificationFrame Together(NotificationFrame first, params NotificationFrame[] rest)
    {
        foreach (var frame in rest) _queue.Add(frame, 7);
        return _queue.TakeTogether(first, 7, _joined);
    }

    private static byte[] Json(NotificationFrame frame) => frame.For(FrameEncoders.Json).Bytes.ToArray();

    private static NotificationFrame Frame(long first, int count) => new NotificationFrame(Entries.Range(first, count));
}
