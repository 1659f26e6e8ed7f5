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

    [Fact]
    public void An_end_is_for_the_interval_that_holds_its_version_and_for_no_other()
    {
        var (one, two) = (TopicFilter.Exact("one"), TopicFilter.Exact("two"));
        var interests = new Interests(null!, new Router());
        foreach (var (kind, filter, since, until) in new[]
        {
            (InterestKind.Membership, one, 2L, 6L),
            (InterestKind.Membership, one, 10L, Interest.Open),
            (InterestKind.Membership, two, 2L, Interest.Open),
            (InterestKind.Durable, one, 20L, Interest.Open),
        })
            interests.Begin(new UserInterest(kind, filter, since, until), covered: true, dispatched: 6);

        interests.End(InterestKind.Membership, one, 6); // the first has its end there
        interests.End(InterestKind.Membership, one, 10); // the second begins above
        Assert.Equal([3, 4, 5, 6], Wanted(interests, "one", 1, 10));
        Assert.True(interests.Want(12, "one"));

        interests.End(InterestKind.Membership, one, 12);
        Assert.Equal([3, 4, 5, 6, 11, 12, 21, 22], Wanted(interests, "one", 1, 22));
        Assert.True(interests.Want(22, "two"));
        Assert.Equal(["two"], interests.Texts(InterestKind.Membership));

        interests.End(InterestKind.Membership, one, 22); // the durable one is of another kind
        Assert.True(interests.Want(23, "one"));
    }

    [Fact]
    public void An_interval_that_is_told_again_takes_the_earlier_end_and_is_then_swept()
    {
        var router = new Router();
        var session = new SweptSession();
        var interests = session.Interests = new Interests(session, router);
        var group = TopicFilter.Exact("$group/g");
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("open"), 5), covered: true, dispatched: 5);
        interests.Begin(new UserInterest(InterestKind.Durable, TopicFilter.Exact("asleep"), 5, 30), covered: false, dispatched: 5);
        interests.Begin(new UserInterest(InterestKind.Membership, group, 5), covered: true, dispatched: 5);
        Assert.Equal(30, interests.ChangesThrough); // known above what is open, and nothing in the index ends
        interests.Begin(new UserInterest(InterestKind.Membership, group, 5, 9), covered: true, dispatched: 5);
        interests.Begin(new UserInterest(InterestKind.Membership, group, 5, 12), covered: true, dispatched: 5);
        Assert.Equal([6, 7, 8, 9], Wanted(interests, "$group/g", 1, 20));
        Assert.Equal(1, Matches(router, "$group/g")); // one, not three
        Assert.Equal(long.MaxValue, interests.ChangesThrough);

        router.SweepEnded(8);
        Assert.Equal(1, Matches(router, "$group/g"));
        router.SweepEnded(9);
        Assert.Equal(0, Matches(router, "$group/g"));
        Assert.Equal(2, session.Sweeps);
        router.SweepEnded(10);
        Assert.Equal(2, session.Sweeps); // nothing was left
    }

    [Fact]
    public void A_filter_that_ended_and_one_that_begins_with_its_end_are_swept_as_well()
    {
        var router = new Router();
        var session = new SweptSession();
        var interests = session.Interests = new Interests(session, router);
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("a"), 5, 9), covered: true, dispatched: 8); // its end is not dispatched
        Assert.Equal(long.MaxValue, interests.ChangesThrough);
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("c"), 5, 8), covered: true, dispatched: 8); // its end is
        Assert.Equal((1, 0), (Matches(router, "a"), Matches(router, "c")));
        router.SweepEnded(9);
        Assert.Equal(0, Matches(router, "a"));

        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("b"), 5), covered: true, dispatched: 9);
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("d"), 5), covered: true, dispatched: 9);
        interests.End(InterestKind.Membership, TopicFilter.Exact("d"), 12);
        router.SweepEnded(10);
        Assert.Equal((1, 1), (Matches(router, "b"), Matches(router, "d")));
        interests.End(InterestKind.Membership, TopicFilter.Exact("b"), 11);
        router.SweepEnded(11);
        Assert.Equal((0, 1), (Matches(router, "b"), Matches(router, "d")));
        router.SweepEnded(12);
        Assert.Equal(0, Matches(router, "d"));
    }

    [Theory]
    [InlineData(16, true)]
    [InlineData(17, false)]
    public void Ended_intervals_are_dropped_together_when_they_are_many_and_passed(int count, bool kept)
    {
        var interests = new Interests(null!, new Router());
        for (var i = 0; i < count; i++)
            interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact($"g{i}"), 0, 5), covered: true, dispatched: 5);
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("open"), 0), covered: true, dispatched: 0);
        interests.Sweep(dispatched: 5, passed: 4); // something may still be selected
        Assert.All(Enumerable.Range(0, count), i => Assert.True(interests.Want(5, $"g{i}")));

        interests.Sweep(dispatched: 5, passed: 5);
        Assert.All(Enumerable.Range(0, count), i => Assert.Equal(kept, interests.Want(5, $"g{i}")));
        Assert.True(interests.Want(5, "open"));
        Assert.Equal(kept ? 5 : 0, interests.ChangesThrough);
    }

    [Fact]
    public void Only_what_comes_to_the_user_on_every_device_is_the_users()
    {
        var router = new Router();
        var interests = new Interests(null!, router);
        interests.Add(InterestKind.Named, [TopicFilter.Exact("named")]);
        interests.Add(InterestKind.Token, [TopicFilter.Exact("token")]);
        interests.Activate(3);
        interests.AddOwn(TopicFilter.Exact("own"));
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("member"), 3), covered: true, dispatched: 3);
        interests.Begin(new UserInterest(InterestKind.Durable, TopicFilter.Exact("durable"), 3), covered: true, dispatched: 3);

        string[] all = ["named", "token", "own", "member", "durable"];
        Assert.Equal(all, all.Where(topic => interests.Want(4, topic)));
        Assert.Equal(["own", "member", "durable"], all.Where(topic => interests.IsOfUser(4, topic)));
        Assert.Equal(["own"], all.Where(topic => interests.IsOfUser(3, topic)));
        Assert.All(all, topic => Assert.Equal(1, Matches(router, topic)));
        Assert.Equal(1, interests.NamedCount);
        Assert.Equal(["named"], interests.Named);
        Assert.True(interests.IsNamed(TopicFilter.Exact("named")));
        Assert.False(interests.IsNamed(TopicFilter.Exact("token")));

        interests.RestartFrom(1); // another log: its intervals are read there, what the connection named begins again
        Assert.Equal(["named", "token", "own"], all.Where(topic => interests.Want(2, topic)));
        Assert.Equal(3, interests.ChangesThrough);
        interests.RestartFrom(9);
        Assert.Equal(9, interests.ChangesThrough);
    }

    [Fact]
    public void What_is_named_brings_nothing_before_it_has_its_version_and_keeps_it()
    {
        var interests = new Interests(null!, new Router());
        interests.Add(InterestKind.Named, [TopicFilter.Exact("a")]);
        Assert.Equal(long.MaxValue, interests.ChangesThrough);
        Assert.False(interests.Want(0, "a"));
        Assert.Empty(Wanted(interests, "a", 1, 20));
        interests.Activate(3);
        Assert.Equal(3, interests.ChangesThrough);
        Assert.True(interests.Want(0, "a"));

        interests.Add(InterestKind.Named, [TopicFilter.Exact("a"), TopicFilter.Exact("b")]);
        interests.Activate(7);
        Assert.Equal([4, 5, 6, 7, 8], Wanted(interests, "a", 1, 8));
        Assert.Equal([8], Wanted(interests, "b", 1, 8));
        Assert.Equal(["a", "b"], interests.Named);
    }

    [Fact]
    public void What_is_shared_is_named_anew_after_every_change()
    {
        var interests = new Interests(null!, new Router());
        Add("a");
        Assert.Equal("a", interests.SharedKey(3));
        Add("b");
        Assert.Equal("a\nb", interests.SharedKey(3));
        interests.Remove(InterestKind.Named, [TopicFilter.Exact("a")]);
        Assert.Equal("b", interests.SharedKey(3));
        interests.Begin(new UserInterest(InterestKind.Durable, TopicFilter.Exact("d"), 1), covered: true, dispatched: 3);
        Assert.Equal("b\nd", interests.SharedKey(3));
        interests.Cover(filter => filter.Text != "d", dispatched: 3);
        Assert.Equal("b", interests.SharedKey(3));
        Assert.Equal(["b"], interests.Filters(3).Select(filter => filter.Text));
        interests.Cover(_ => true, dispatched: 3);
        Assert.Equal("b\nd", interests.SharedKey(3));
        Add("c", "e", "f", "g", "h", "i");
        Assert.Equal("b\nd\nc\ne\nf\ng\nh\ni", interests.SharedKey(3));
        Add("j"); // more than sessions are likely to have in common
        Assert.Null(interests.SharedKey(3));
        interests.Clear();
        Assert.Equal("", interests.SharedKey(3));

        void Add(params string[] names)
        {
            interests.Add(InterestKind.Named, names.Select(TopicFilter.Exact));
            interests.Activate(3);
        }
    }

    [Fact]
    public void An_end_leaves_the_shared_key_once_it_is_passed()
    {
        var interests = new Interests(null!, new Router());
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("g"), 1), covered: true, dispatched: 3);
        Assert.Equal("g", interests.SharedKey(3));
        interests.End(InterestKind.Membership, TopicFilter.Exact("g"), 5);
        Assert.Null(interests.SharedKey(5)); // the index still has it
        Assert.True(interests.Sweep(dispatched: 5, passed: 3));
        Assert.Equal("", interests.SharedKey(5));
        Assert.Equal(["g"], interests.Filters(4).Select(filter => filter.Text));
        Assert.Empty(interests.Filters(5));
    }

    [Fact]
    public void After_everything_was_cleared_nothing_comes_and_the_index_has_nothing()
    {
        var router = new Router();
        var interests = new Interests(null!, router);
        interests.Add(InterestKind.Named, [TopicFilter.Exact("a")]);
        interests.Activate(3);
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("a"), 1, 2), covered: true, dispatched: 3); // not in the index
        var stamp = interests.Stamp;
        interests.Clear();
        Assert.NotEqual(stamp, interests.Stamp);
        Assert.Equal((0, 0), (Matches(router, "a"), interests.NamedCount));
        Assert.False(interests.Want(4, "a"));
    }

    [Fact]
    public void What_replaces_the_intervals_leaves_the_connections_own_filters_and_moves_the_stamp()
    {
        var router = new Router();
        var interests = new Interests(null!, router);
        interests.Add(InterestKind.Named, [TopicFilter.Exact("a")]);
        interests.Activate(3);
        interests.Begin(new UserInterest(InterestKind.Durable, TopicFilter.Exact("b"), 1), covered: true, dispatched: 3);
        interests.Begin(new UserInterest(InterestKind.Membership, TopicFilter.Exact("c"), 1), covered: true, dispatched: 3);
        var stamp = interests.Stamp;
        interests.ReplaceIntervals(
            [new UserInterest(InterestKind.Durable, TopicFilter.Exact("d"), 2), new UserInterest(InterestKind.Membership, TopicFilter.Exact("e"), 2)],
            filter => filter.Text != "d",
            dispatched: 3);
        Assert.NotEqual(stamp, interests.Stamp);
        Assert.Equal(["a", "e"], new[] { "a", "b", "c", "d", "e" }.Where(topic => interests.Want(4, topic)));
        Assert.Equal([1, 0, 0, 0, 1], new[] { "a", "b", "c", "d", "e" }.Select(topic => Matches(router, topic)));
        Assert.Equal(["d"], interests.Texts(InterestKind.Durable)); // asleep, and there

    }

    [Fact]
    public void What_is_queued_is_looked_at_again_when_an_interval_goes_that_had_left_the_index()
    {
        var interests = new Interests(null!, new Router());
        interests.Begin(new UserInterest(InterestKind.Durable, TopicFilter.Exact("a"), 1, 5), covered: true, dispatched: 5);
        var stamp = interests.Stamp;
        interests.Cover(_ => false, dispatched: 5);
        Assert.NotEqual(stamp, interests.Stamp);
        interests.Cover(_ => true, dispatched: 5);
        Assert.True(interests.Want(5, "a"));

        stamp = interests.Stamp;
        interests.ReplaceIntervals([], _ => true, dispatched: 5);
        Assert.NotEqual(stamp, interests.Stamp);
        Assert.False(interests.Want(5, "a"));
    }

    [Fact]
    public void What_is_kept_of_a_kind_is_what_was_named_and_other_kinds_stay()
    {
        var interests = new Interests(null!, new Router());
        interests.Add(InterestKind.Token, [TopicFilter.Exact("t1"), TopicFilter.Exact("t2")]);
        interests.Add(InterestKind.Named, [TopicFilter.Exact("n")]);
        interests.Activate(3);
        interests.Keep(InterestKind.Token, [TopicFilter.Exact("t2"), TopicFilter.Exact("t3")]);
        Assert.Equal(["t2"], interests.Texts(InterestKind.Token));
        Assert.Equal(["n"], interests.Named);
    }

    [Fact]
    public void What_slept_through_its_end_does_not_come_back_into_the_index_and_what_woke_before_it_leaves()
    {
        var router = new Router();
        var session = new SweptSession();
        var interests = session.Interests = new Interests(session, router);
        interests.Begin(new UserInterest(InterestKind.Durable, TopicFilter.Exact("a"), 1, 5), covered: false, dispatched: 3);
        Assert.False(interests.Want(4, "a"));
        interests.Cover(_ => true, dispatched: 5);
        Assert.Equal(0, Matches(router, "a"));
        Assert.True(interests.Want(4, "a")); // for catching up
        interests.Cover(_ => false, dispatched: 3);
        interests.Cover(_ => true, dispatched: 4);
        Assert.Equal(1, Matches(router, "a"));
        interests.Cover(_ => true, dispatched: 4);
        Assert.Equal((1, long.MaxValue), (Matches(router, "a"), interests.ChangesThrough));

        router.SweepEnded(5); // what woke before its end leaves as any other does
        Assert.Equal((0, 5), (Matches(router, "a"), interests.ChangesThrough));
    }

    private static IEnumerable<long> Wanted(Interests interests, string topic, int from, int to) =>
        Enumerable.Range(from, to - from + 1).Select(version => (long)version).Where(version => interests.Want(version, topic));

    private sealed class SweptSession : Subscriber
    {
        public Interests Interests { get; set; } = null!;

        public int Sweeps { get; private set; }

        public override bool SweepEnded(long dispatched)
        {
            Sweeps++;
            return Interests.Sweep(dispatched, passed: -1);
        }
    }

    private static int Matches(Router router, string topic)
    {
        var found = new List<Interests>();
        router.Match(topic, [], found, static (holders, found) =>
        {
            foreach (var holder in holders) found.Add(holder);
        });
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
