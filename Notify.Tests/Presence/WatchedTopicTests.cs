using System.Text;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Presence;

namespace Notify.Tests.Presence;

/// <summary>What nodes tell of a topic, in pieces as small as NOTIFY asks for, and what watchers are told of it.</summary>
public class WatchedTopicTests
{
    private const int NotifyBytes = 7000;

    private static readonly string[] Names = ["a/1", "b", "c", "d/1", "d"];
    private static readonly string[] Awkward = ["\"\\\u0007", "人", "\U0001F600", "x"];

    private readonly WatchedTopic _topic = new("t", 0);
    private readonly Guid _node = Guid.NewGuid();
    private long _number;

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(101)]
    [InlineData(5000)]
    [InlineData(10_001)]
    public void A_nodes_people_arrive_whole_in_letters_that_fit_in_any_order(int count)
    {
        var people = TopicPeople.Of(People(0, count));
        var states = LetterSplitting.State("t", 1, people, NotifyBytes);
        var letters = LetterSplitting.States(states, NotifyBytes).Select(letter => letter.ToJson()).ToList();
        Assert.All(letters, letter => Assert.InRange(letter.Length, 1, NotifyBytes));
        foreach (var letter in Enumerable.Reverse(letters))
        {
            Assert.Empty(_topic.Advance());
            foreach (var state in PresenceLetter.TryRead(letter)!.States!) _topic.Take(_node, state);
        }

        _topic.Advance();
        Assert.Equal(count, _topic.ToldCount);
        Assert.Equal(count <= 100 ? count : null, _topic.ToldUsers?.Count);
    }

    [Fact]
    public void Names_of_any_script_fit_too_and_about_a_hundred_usual_ones_into_one_letter()
    {
        foreach (var name in Awkward)
        {
            var longName = string.Concat(Enumerable.Repeat(name, 125 / Encoding.UTF8.GetByteCount(name)));
            var people = TopicPeople.Of([.. Enumerable.Range(0, 100).Select(i => new Person($"{i:000}{longName}", null))]);
            Assert.All(LetterSplitting.States(LetterSplitting.State(new string('"', 512), 1, people, NotifyBytes), NotifyBytes), letter =>
                Assert.InRange(letter.ToJson().Length, 1, NotifyBytes));
        }

        Assert.Single(LetterSplitting.State("t", 1, TopicPeople.Of(People(0, 100)), NotifyBytes));
        Assert.All(LetterSplitting.Watches(Enumerable.Range(0, 500)
            .Select(i => $"{new string('"', 400)}{i}"), NotifyBytes), letter => Assert.InRange(letter.ToJson().Length, 1, NotifyBytes));
    }

    [Fact]
    public void Parts_of_different_states_do_not_mix_and_late_ones_are_passed_over()
    {
        var older = LetterSplitting.State("t", 1, TopicPeople.Of(People(0, 2000)), NotifyBytes);
        var newer = LetterSplitting.State("t", 2, TopicPeople.Of(People(0, 3000)), NotifyBytes);
        _topic.Take(_node, older[0]);
        foreach (var part in newer) _topic.Take(_node, part);
        foreach (var part in older.Skip(1)) _topic.Take(_node, part);
        _topic.Advance();
        Assert.Equal(3000, _topic.ToldCount);
    }

    [Fact]
    public void Of_many_changes_at_once_watchers_are_told_some_and_nothing_of_users_that_are_back_by_then()
    {
        Tell(0, 100);
        _topic.Watchers.Add(null!);
        var first = Tell(60, 40).ConvertAll(Name);
        Assert.Equal((25, 75, 75), (first.Count, _topic.ToldCount, _topic.ToldUsers!.Count));

        var told = Tell(30, 70); // half of the users that left are back
        for (List<string> some; (some = Told()).Count > 0;) told.AddRange(some);
        var back = Enumerable.Range(30, 30).Select(i => $"u{i}").ToHashSet();
        Assert.Equal(first.Where(back.Contains).Order(), told.Where(one => one.StartsWith("join", StringComparison.Ordinal)).Select(Name).Order());
        Assert.Equal(30 - first.Count(user => !back.Contains(user)), told.Count(one => one.StartsWith("leave", StringComparison.Ordinal)));
        Assert.Equal(Enumerable.Range(30, 70).Select(i => $"u{i}").Order(StringComparer.Ordinal), _topic.ToldUsers!);

        static string Name(string told) => told.Split(' ')[1];
    }

    [Fact]
    public void Without_a_watcher_all_changes_are_the_next_watchers_state()
    {
        Tell(0, 100);
        Assert.Equal(100, _topic.ToldCount);
        Tell(50, 100);
        Assert.Equal(100, _topic.ToldUsers!.Count);
    }

    [Fact]
    public void People_come_and_go_by_name_while_they_are_few_and_as_one_number_when_they_are_many()
    {
        Assert.Equal(["join u0 1", "join u1 2"], Tell(0, 2));
        Assert.Equal(["leave u0 1", "join u2 2"], Tell(1, 2));
        Assert.Equal(["  101"], Tell(0, 101));
        Assert.Equal(["  500"], Tell(0, 500));
        Assert.Equal(["  3"], Tell(0, 3));
        Assert.Equal(["leave u2 2"], Tell(0, 2));
        Assert.Empty(Tell(0, 2));
        _topic.TakeOwn(TopicPeople.Of(People(1, 2))); // u1 is on this node too
        Assert.Equal(["join u2 3"], Told());
        _topic.Forget(_node);
        Assert.Equal(["leave u0 2"], Told());
    }

    [Fact]
    public void Users_on_two_nodes_count_once_however_many_they_are()
    {
        var nodes = new[] { TopicPeople.Of(People(0, 5000)), TopicPeople.Of(People(2000, 5000)), TopicPeople.Of(People(6990, 20)) };
        Assert.Equal((7010, null), TopicPeople.Union(nodes));
        Assert.Equal(10_001 + 10, TopicPeople.Union([TopicPeople.Of(People(0, 10_001)), TopicPeople.Of(People(0, 10))]).Count); // too many to be told apart
    }

    [Fact]
    public void What_sleeps_or_has_ended_does_not_follow_and_wildcards_do()
    {
        var changes = new FilterChanges();
        var router = new Router();
        var interests = new Interests(new Nobody(), router);
        interests.Begin(new UserInterest(InterestKind.Durable, Filter("a/#"), 1), covered: false, dispatched: 0);
        interests.Begin(new UserInterest(InterestKind.Durable, Filter("b"), 1, 5), covered: true, dispatched: 9);
        interests.Begin(new UserInterest(InterestKind.Durable, Filter("c"), 1), covered: true, dispatched: 0);
        router.NoteChanges(changes);
        interests.Add(InterestKind.Named, [Filter("d/+")]);
        Assert.Equal(["c", "d/1"], Names.Where(interests.Follows));
        Assert.Equal(["c", "d/+"], interests.Followed().Select(filter => filter.Text).Order());
        Assert.Equal(["d/+"], changes.Take()!.Select(filter => filter.Text));

        interests.Cover(static filter => filter.Text != "c", dispatched: 9);
        Assert.Equal(["a/1", "d/1"], Names.Where(interests.Follows));
        Assert.Equal(["a/#", "c"], changes.Take()!.Select(filter => filter.Text).Order());
    }

    [Fact]
    public void Changes_of_the_index_are_noted_up_to_a_bound_and_own_topics_not_at_all()
    {
        var changes = new FilterChanges();
        changes.Add(TopicFilter.Exact("a"));
        Assert.True(TopicFilter.TryParseAny("$user/alice", out var own, out _));
        changes.Add(own);
        Assert.Equal(["a"], changes.Take()!.Select(filter => filter.Text));
        Assert.Empty(changes.Take()!);
        for (var i = 0; i < 5000; i++) changes.Add(TopicFilter.Exact($"t/{i}"));
        Assert.Null(changes.Take());
        Assert.Empty(changes.Take()!);
    }

    private static TopicFilter Filter(string text) =>
        TopicFilter.TryParse(text, out var filter, out var problem) ? filter : throw new ArgumentException(problem, nameof(text));

    private sealed class Nobody : Subscriber
    {
        public override bool SweepEnded(long dispatched) => true;
    }

    private List<string> Tell(int from, int count)
    {
        foreach (var part in LetterSplitting.State("t", ++_number, TopicPeople.Of(People(from, count)), NotifyBytes)) _topic.Take(_node, part);
        return Told();
    }

    private List<string> Told() => [.. _topic.Advance().Select(told => $"{told.Event} {told.User} {told.Count}")];

    private static List<Person> People(int from, int count) => [.. Enumerable.Range(from, count).Select(i => new Person($"u{i}", null))];
}
