using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Tests.Delivery;

public class DispatchUnitTests
{
    private static readonly DateTimeOffset Now = Entries.PublishedAt.AddMinutes(1);

    [Fact]
    public void Sessions_that_follow_the_same_topics_share_one_frame_however_many_ways_there_are()
    {
        var unit = Unit("a", "b", "c", "a", "d");
        Assert.Equal((1, 5), (unit.First, unit.Last));
        Assert.Equal(["a", "b", "c", "d"], unit.Topics);
        var shares = new[] { new[] { 0 }, [0, 2], [1], [0, 3], [2, 3], [0, 2], [1], [0], [0, 3], [2, 3], [0, 2] };
        var frames = shares
            .Select(topics => (Topics: string.Join(',', topics), topics.Aggregate(unit.Nothing, (share, topic) => share.With(topic)).Frame))
            .ToArray();
        Assert.All(frames.GroupBy(it => it.Topics), same => Assert.Single(same.Select(it => it.Frame).Distinct()));
        Assert.Equal(5, frames.Select(it => it.Frame).Distinct().Count());
        Assert.Equal(
            [("0", 2, 4L), ("0,2", 3, 4), ("1", 1, 2), ("0,3", 3, 5), ("2,3", 2, 5)],
            frames.DistinctBy(it => it.Topics).Select(it => (it.Topics, it.Frame.Entries, it.Frame.Last)));
    }

    [Fact]
    public void What_has_expired_and_what_is_no_notification_is_in_no_frame_and_still_within_the_unit()
    {
        var unit = new DispatchUnit(
            View,
            [
                new(Entries.At(1) with { Kind = EntryKind.MembersChanged }),
                new(Entries.At(2) with { ExpiresAt = Now }),
                new(Entries.At(3) with { ExpiresAt = Now.AddTicks(1) }),
                new(Entries.At(4, "other") with { ExpiresAt = Now.AddTicks(-1) }),
            ],
            Now);
        Assert.Equal((1, 4), (unit.First, unit.Last));
        Assert.Equal(["t"], unit.Topics);
        var frame = unit.Nothing.With(0).Frame;
        Assert.Equal((1, 3), (frame.Entries, frame.Last));
    }

    [Fact]
    public void A_session_that_is_looked_at_by_itself_gets_what_it_follows_above_its_cursor()
    {
        var unit = Unit("a", "b", "a", "a");
        var interests = new Interests(null!, new Router());
        Assert.Null(unit.FrameFor(interests, cursor: 0));
        interests.Add(InterestKind.Named, [DeliveryRig.Filter("a")]);
        interests.Activate(1);
        Assert.Equal((2, 4L), (unit.FrameFor(interests, cursor: 0)!.Entries, unit.FrameFor(interests, cursor: 0)!.Last)); // since it began
        Assert.Equal(1, unit.FrameFor(interests, cursor: 3)!.Entries);
        Assert.Null(unit.FrameFor(interests, cursor: 4));
    }

    private static LogView View => new(new LogHead(Guid.NewGuid(), 100, 1), new Ring(100, 10, 1000));

    private static DispatchUnit Unit(params string[] topics) => new(View, [.. topics.Select((topic, i) => new DeliveryEntry(Entries.At(i + 1, topic)))], Now);
}
