using CsCheck;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;

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
        Gen.Select(Filter.Array[1, 4].Array[0, 10], Gen.Bool.Array[40], Topic.Array[1, 10]).Sample((sessions, removed, topics) =>
        {
            var router = new Router();
            var held = sessions.Select(filters => (Interests: Holding(router, filters), Filters: filters.Distinct().ToList())).ToList();
            var next = 0;
            foreach (var (interests, filters) in held)
            {
                foreach (var filter in filters.ToList())
                {
                    if (!removed[next++ % removed.Length]) continue;
                    interests.Remove(InterestKind.Named, [filter]);
                    filters.Remove(filter);
                }
            }

            router.Change(held.Sum(h => h.Filters.Count), static (index, kept) => Assert.Equal(kept, index.Count));
            foreach (var topic in topics)
            {
                var found = new List<Interests>();
                router.Match(topic, [], found, static (holders, found) =>
                {
                    foreach (var holder in holders) found.Add(holder);
                });
                var expected = held.SelectMany(h => h.Filters.Where(f => f.Matches(topic)).Select(_ => h.Interests));
                Assert.Equal(expected.GroupBy(i => i).ToDictionary(g => g.Key, g => g.Count()), found.GroupBy(i => i).ToDictionary(g => g.Key, g => g.Count()));
            }
        });

    [Fact]
    public void Is_empty_again_after_all_holders_left()
    {
        var router = new Router();
        var held = new[] { "a/b", "a/+", "a/#", "#", "+/+/c", "a/b" }
            .Select(text => Holding(router, [TopicFilter.TryParse(text, out var filter, out _) ? filter : null!])).ToList();
        held.ForEach(interests =>
        {
            router.Change(0, static (index, _) => Assert.False(index.IsEmpty));
            interests.Clear();
        });

        router.Change(0, static (index, none) => Assert.Equal(none, index.Count));
        router.Change(0, static (index, _) => Assert.True(index.IsEmpty));
    }

    private static Interests Holding(Router router, IEnumerable<TopicFilter> filters)
    {
        var interests = new Interests(null!, router);
        interests.Add(InterestKind.Named, filters);
        return interests;
    }
}
