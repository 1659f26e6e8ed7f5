using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Replay;
using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Faults.Breaking;
using Notify.Tests.Publishing;

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

    [Fact]
    public async Task A_long_way_is_read_by_the_topics_that_the_filters_mean()
    {
        var log = new TopicsLog("a", "a/b", "a/b/c", "ab", "b/c", "x");
        Assert.Equal([1, 5], await TopicsAsync(_plan, log, "a", "b/c", "nobody's"));
        Assert.Equal([1, 2, 3], await TopicsAsync(new(), log, "a/#"));
        Assert.Equal([2, 3], await TopicsAsync(new(), log, "a/b/#"));
        Assert.Equal([3, 6], await TopicsAsync(new(), log, "a/+/c", "x"));
        Assert.Equal(["names a b/c nobody's", "below a", "below a/b", "names x", "below a"], log.Asked);
    }

    [Theory]
    [InlineData("#")]
    [InlineData("+/b")]
    [InlineData("a/b", "+")]
    public async Task What_may_be_any_topic_is_scanned(params string[] filters) => Assert.Null(await TopicsAsync(_plan, new TopicsLog("a/b"), filters));

    [Theory]
    [InlineData(1000, 1000)]
    [InlineData(1001, null)]
    public async Task As_many_topics_as_the_plan_takes_are_read_by_and_more_are_scanned(int count, int? read)
    {
        var log = new TopicsLog([.. Enumerable.Range(0, count).Select(i => $"a/{i}")]);
        Assert.Equal(read, (await TopicsAsync(_plan, log, "a/#"))?.Count());
        Assert.Equal(read, (await TopicsAsync(new(), log, [.. Enumerable.Range(0, count).Select(i => $"a/{i}")]))?.Count());
        Assert.Equal(read, (await TopicsAsync(new(), log, "a/+/#"))?.Count());
    }

    [Fact]
    public async Task Topics_are_looked_up_again_for_what_came_later_and_for_other_filters_and_not_otherwise()
    {
        var log = new TopicsLog("a", "b");
        TopicFilter[] filters = [TopicFilter.Exact("a")];
        Assert.NotNull(await _plan.TopicsAsync(log, filters, 0, 100_000, CancellationToken.None));
        foreach (var (filter, through, topic, asked) in new[] { ("a", 100_000, 1, 1), ("a", 100_001, 1, 2), ("b", 100_001, 2, 3) })
        {
            var topics = await _plan.TopicsAsync(log, [TopicFilter.Exact(filter)], 50_000, through, CancellationToken.None);
            Assert.Equal(topic, Assert.Single(topics!));
            Assert.Equal(asked, log.Asked.Count);
        }
    }

    [Fact]
    public async Task A_short_way_and_one_that_was_dense_are_scanned_without_a_look_at_the_topics()
    {
        var log = new TopicsLog("a");
        TopicFilter[] filters = [TopicFilter.Exact("a")];
        Assert.Null(await _plan.TopicsAsync(log, filters, 100, 100 + 8 * BlockCache.Size, CancellationToken.None));
        _plan.Examined(wanted: 512, after: 0, through: 1024);
        Assert.Null(await _plan.TopicsAsync(log, filters, 1024, 100_000, CancellationToken.None));
        Assert.Empty(log.Asked);
        Assert.NotNull(await _plan.TopicsAsync(log, filters, 1024 + 8 * BlockCache.Size, 100_000, CancellationToken.None));
    }

    private static async Task<IEnumerable<long>?> TopicsAsync(TopicPlan plan, TopicsLog log, params string[] filters) =>
        (await plan.TopicsAsync(log, [.. filters.Select(DeliveryRig.Filter)], 0, 100_000, CancellationToken.None))?.Order();

    /// <summary>A log that has these topics, numbered from 1.</summary>
    private sealed class TopicsLog(params string[] topics) : BrokenLog(new ListLog())
    {
        public List<string> Asked { get; } = [];

        public override Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
        {
            Asked.Add($"names {string.Join(' ', names)}");
            return Found(names.Contains, int.MaxValue);
        }

        public override Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, int limit, CancellationToken cancellationToken)
        {
            Asked.Add($"below {prefix}");
            return Found(name => name == prefix || name.StartsWith(prefix + "/", StringComparison.Ordinal), limit);
        }

        private Task<IReadOnlyList<LogTopic>> Found(Func<string, bool> wanted, int limit) => Task.FromResult<IReadOnlyList<LogTopic>>(
            [.. topics.Select((name, i) => new LogTopic(i + 1, name)).Where(topic => wanted(topic.Name)).Take(limit)]);
    }
}
