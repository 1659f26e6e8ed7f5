using CsCheck;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;

namespace Notify.Tests.Delivery;

public class FilterIndexTests
{
    private static readonly Gen<string> Segment = Gen.OneOf(Gen.Const("a"), Gen.Const("b"), Gen.Const(""), Gen.Const("$u"), Gen.Const("é"));
    private static readonly Gen<string> Topic = Segment.Array[1, 4].Select(s => string.Join('/', s)).Where(t => t.Length > 0);
    private static readonly Gen<TopicFilter> Filter =
        Gen.Select(Gen.OneOf(Segment, Gen.Const("+")).Array[0, 3], Gen.Bool)
            .Select((segments, below) => string.Join('/', below ? [.. segments, "#"] : segments))
            .Where(text => TopicFilter.TryParseAny(text, out _, out _))
            .Select(text => TopicFilter.TryParseAny(text, out var filter, out _) ? filter : null!);

    [Fact]
    public void Finds_exactly_the_filters_that_match_also_after_some_were_removed() =>
        Gen.Select(Filter.Array[0, 20], Gen.Bool.Array[20], Topic.Array[1, 10]).Sample((filters, removed, topics) =>
        {
            var index = new FilterIndex();
            var subscriptions = filters.Select(f => new Subscription(null!, f)).ToList();
            subscriptions.ForEach(index.Add);
            var kept = subscriptions.Where((_, i) => !removed[i]).ToList();
            subscriptions.Except(kept).ToList().ForEach(index.Remove);

            Assert.Equal(kept.Count, index.Count);
            foreach (var topic in topics)
            {
                var lists = new List<SubscriberList>();
                index.Match(topic, lists);
                var found = lists.SelectMany(l => l.Items.ToArray()).ToList();
                Assert.Equal(found.Count, found.Distinct().Count());
                Assert.Equal(kept.Where(s => s.Filter.Matches(topic)).ToHashSet(), found.ToHashSet());
            }
        });

    [Fact]
    public void Is_empty_again_after_everybody_left()
    {
        var index = new FilterIndex();
        var subscriptions = new[] { "a/b", "a/+", "a/#", "#", "+/+/c", "a/b" }
            .Select(text => new Subscription(null!, TopicFilter.TryParse(text, out var filter, out _) ? filter : null!)).ToList();
        subscriptions.ForEach(index.Add);
        subscriptions.ForEach(index.Remove);

        var lists = new List<SubscriberList>();
        index.Match("a/b", lists);
        Assert.Empty(lists);
        Assert.Equal(0, index.Count);
    }
}
