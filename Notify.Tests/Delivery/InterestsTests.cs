using CsCheck;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Storage.Log;

namespace Notify.Tests.Delivery;

/// <summary>What comes to a session by intervals, against the plain rule of the contract.</summary>
public class InterestsTests
{
    private static readonly string[] Topics = ["a", "b", "c/1", "c/2"];
    private static readonly Gen<UserInterest> Interval = Gen.Select(Gen.Int[0, 5], Gen.Bool, Gen.Long[0, 20], Gen.Long[1, 12], Gen.Bool)
        .Select((topic, durable, since, length, open) => new UserInterest(
            durable ? InterestKind.Durable : InterestKind.Membership,
            TopicFilter.TryParseAny(topic switch { 4 => "c/+", 5 => "#", _ => Topics[topic] }, out var filter, out _) ? filter : null!,
            since,
            open ? Interest.Open : since + length));

    [Fact]
    public void A_version_comes_when_an_interval_that_holds_it_matches_and_is_awake() =>
        Gen.Select(Interval.Array[0, 40], Gen.Int[0, 5], Gen.Long[0, 25], Gen.Long[0, 25]).Sample((intervals, covered, cursor, dispatched) =>
        {
            bool Covers(TopicFilter filter) => covered == 5 || filter.Text == Topics[Math.Min(covered, 3)];
            var interests = new Interests(null!, new Router());
            interests.ReplaceIntervals(intervals, Covers, dispatched);
            var entries = Enumerable.Range(1, 32).SelectMany(version => Topics.Select(topic => EntryOf(version, topic))).ToList();

            var wanted = new List<DeliveryEntry>();
            interests.Select(entries, cursor, wanted);

            // The same interval twice is one; of two ends the earlier one counts.
            var rows = intervals.GroupBy(i => (i.Kind, i.Filter.Text, i.Since)).Select(g => g.MinBy(i => i.Until)).ToList();
            var expected = entries.Where(e => e.Version > cursor && rows.Exists(
                i => i.Since < e.Version && e.Version <= i.Until && i.Filter.Matches(e.Topic) && (i.Kind == InterestKind.Membership || Covers(i.Filter))));
            Assert.Equal(expected.Select(e => (e.Version, e.Topic)), wanted.Select(e => (e.Version, e.Topic)));
            Assert.All(wanted, entry => Assert.True(interests.Want(entry.Version, entry.Topic)));
        });

    [Fact]
    public void An_interval_that_ends_leaves_the_index_after_its_end_was_dispatched_and_holds_until_then()
    {
        var router = new Router();
        var interests = new Interests(null!, router);
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("$group/g"), 5, Interest.Open), covered: true, dispatched: 5);
        interests.End(InterestKind.Membership, TopicFilter.Exact("$group/g"), 9);

        interests.Sweep(dispatched: 8, passed: 8);
        Assert.Equal(1, Matches(router, "$group/g"));
        Assert.Equal(long.MaxValue, interests.ChangesThrough); // the index still finds the session, above the end too

        interests.Sweep(dispatched: 9, passed: 8);
        Assert.Equal(9, interests.ChangesThrough);
        Assert.Equal(0, Matches(router, "$group/g"));
        Assert.True(interests.Want(9, "$group/g"));
        Assert.False(interests.Want(10, "$group/g"));
    }

    [Fact]
    public void An_ephemeral_notification_is_for_open_intervals_only()
    {
        var interests = new Interests(null!, new Router());
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("$group/g"), 5, 9), covered: true, dispatched: 5);
        Assert.False(interests.Want(0, "$group/g"));
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("$group/g"), 11, Interest.Open), covered: true, dispatched: 11);
        Assert.True(interests.Want(0, "$group/g"));
    }

    [Fact]
    public void A_token_that_narrows_ends_named_filters_and_lets_durable_ones_sleep()
    {
        var router = new Router();
        var interests = new Interests(null!, router);
        interests.Add(InterestKind.Named, [TopicFilter.Exact("a"), TopicFilter.Exact("b")]);
        interests.Activate(3);
        interests.Begin(new UserInterest(InterestKind.Durable, TopicFilter.Exact("a"), 1, Interest.Open), covered: true, dispatched: 3);
        var before = interests.Stamp;

        interests.Cover(filter => filter.Text == "b", dispatched: 3);
        Assert.Equal(["b"], interests.Named);
        Assert.Equal(["a"], interests.Texts(InterestKind.Durable));
        Assert.False(interests.Want(10, "a"));
        Assert.Equal(0, Matches(router, "a"));
        Assert.NotEqual(before, interests.Stamp);

        interests.Cover(_ => true, dispatched: 3);
        Assert.True(interests.Want(10, "a"));
        Assert.Equal(1, Matches(router, "a"));
        Assert.Equal(["b"], interests.Named);
    }

    [Fact]
    public void Whatever_leaves_moves_the_stamp_and_what_comes_does_not()
    {
        var interests = new Interests(null!, new Router());
        var before = interests.Stamp;
        interests.Add(InterestKind.Named, [TopicFilter.Exact("a"), TopicFilter.Exact("b")]);
        interests.Add(InterestKind.Token, [TopicFilter.Exact("$group/g")]);
        interests.Activate(3);
        Assert.Equal(before, interests.Stamp);

        Moves(() => interests.Remove(InterestKind.Named, [TopicFilter.Exact("a")]));
        Moves(() => interests.Keep(InterestKind.Token, []));
        Moves(() => interests.Cover(_ => false, dispatched: 3));
        Assert.Empty(interests.Named);

        void Moves(Action change)
        {
            var stamp = interests.Stamp;
            change();
            Assert.NotEqual(stamp, interests.Stamp);
        }
    }

    [Fact]
    public void What_begins_or_ends_above_the_cursor_is_not_shared()
    {
        var interests = new Interests(null!, new Router());
        interests.Add(InterestKind.Named, [TopicFilter.Exact("a")]);
        interests.Activate(3);
        Assert.Null(interests.SharedKey(2));
        Assert.Equal("a", interests.SharedKey(3));

        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("$group/g"), 2, 7), covered: true, dispatched: 7);
        Assert.Null(interests.SharedKey(6));
        Assert.Equal("a", interests.SharedKey(7));
        Assert.Equal(["a"], interests.Filters(7).Select(f => f.Text));
    }

    private static int Matches(Router router, string topic)
    {
        var found = new List<Interests>();
        router.Match(topic, [], found, static (holders, found) => found.AddRange(holders));
        return found.Count;
    }

    private static DeliveryEntry EntryOf(long version, string topic) => new(new LogEntry
    {
        Version = version,
        Id = Guid.CreateVersion7(),
        Topic = topic,
        PublishedAt = DateTimeOffset.UnixEpoch,
        Content = "{}"u8.ToArray(),
    });
}
