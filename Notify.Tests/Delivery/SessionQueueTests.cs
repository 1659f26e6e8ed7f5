using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Tests.Delivery;

public class SessionQueueTests
{
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

    private static NotificationFrame Frame(long first, int count) => new NotificationFrame(Entries.Range(first, count));
}
