using Notify.Engine.Delivery.Replay;
using Notify.Engine.Tail;

namespace Notify.Tests.Delivery;

public class TopicPlanTests
{
    private readonly TopicPlan _plan = new();

    [Fact]
    public void What_is_rare_is_read_by_topic()
    {
        Assert.True(_plan.IsByTopic(0));
        _plan.Examined(wanted: 1000, after: 0, through: 100_000);
        Assert.True(_plan.IsByTopic(100_000));
        _plan.Examined(wanted: 0, after: 100_000, through: 500_000);
        Assert.True(_plan.IsByTopic(500_000));
    }

    [Fact]
    public void What_makes_up_half_of_the_log_is_scanned_and_looked_at_again_after_a_while()
    {
        _plan.Examined(wanted: 512, after: 1000, through: 2024);
        Assert.False(_plan.IsByTopic(2024));
        Assert.False(_plan.IsByTopic(2024 + 8 * BlockCache.Size - 1));
        Assert.True(_plan.IsByTopic(2024 + 8 * BlockCache.Size));
    }
}
