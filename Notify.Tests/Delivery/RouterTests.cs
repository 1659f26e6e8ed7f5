using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;

namespace Notify.Tests.Delivery;

public class RouterTests
{
    [Fact]
    public void A_session_is_swept_once_a_time_until_nothing_of_it_is_left()
    {
        var router = new Router();
        var (late, early) = (new SweptSession { EndsAt = 7 }, new SweptSession { EndsAt = 5 });
        router.NoteEnded(late);
        router.NoteEnded(early);
        for (var dispatched = 4; dispatched <= 8; dispatched++) router.SweepEnded(dispatched);
        Assert.Equal([4, 5, 6, 7], late.Swept);
        Assert.Equal([4, 5], early.Swept);
    }

    [Fact]
    public void What_an_earlier_look_up_found_is_not_found_again()
    {
        var router = new Router();
        var interests = new Interests(null!, router);
        interests.Add(InterestKind.Named, [TopicFilter.Exact("a"), TopicFilter.Exact("b")]);
        var (scratch, found) = (new List<int>(), new List<int>());
        foreach (var topic in new[] { "a", "b", "c" })
        {
            router.Match(topic, scratch, found, static (holders, found) =>
            {
                foreach (var holder in holders) found.Add(holder.Number);
            });
        }

        Assert.Equal([interests.Number, interests.Number], found);
    }

    private sealed class SweptSession : Subscriber
    {
        public required long EndsAt { get; init; }

        public List<long> Swept { get; } = [];

        public override bool SweepEnded(long dispatched)
        {
            Swept.Add(dispatched);
            return dispatched >= EndsAt;
        }
    }
}
