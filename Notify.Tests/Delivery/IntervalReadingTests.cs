using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Tests.Delivery;

public class IntervalReadingTests
{
    private static readonly TopicFilter Group = TopicFilter.Exact("$group/g");

    [Fact]
    public void A_reading_that_waits_for_its_session_is_kept_up_with_the_log()
    {
        var (closed, open) = (new UserInterest(InterestKind.Membership, Group, 2, 6), new UserInterest(InterestKind.Membership, Group, 10));
        var (other, durable) = (open with { Filter = TopicFilter.Exact("$group/other") }, open with { Kind = InterestKind.Durable });
        var reading = new IntervalReading(Guid.NewGuid(), 11, [closed, open, other]);
        reading.Begin(durable);
        Assert.Equal([closed, open, other, durable], reading.Interests);

        reading.End(InterestKind.Membership, Group, 6); // the first has its end there
        reading.End(InterestKind.Membership, Group, 10); // the second begins above
        Assert.Equal([closed, open, other, durable], reading.Interests);
        reading.End(InterestKind.Membership, Group, 12);
        Assert.Equal([closed, open with { Until = 12 }, other, durable], reading.Interests);
        reading.End(InterestKind.Membership, Group, 14); // it has its end
        Assert.Equal([closed, open with { Until = 12 }, other, durable], reading.Interests);
    }
}
