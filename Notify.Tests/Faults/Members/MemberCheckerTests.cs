using Notify.Tests.Faults.Checking;

namespace Notify.Tests.Faults.Members;

/// <summary>The checker of members by itself: silent on a good history, and the right word for each kind of bad one.</summary>
public class MemberCheckerTests
{
    private static readonly IReadOnlySet<string> Topics = new HashSet<string> { "$group/g" };

    [Fact]
    public void A_good_history_has_no_finding() => Assert.Empty(MemberChecker.Check(Good(Start(), Got(2), Got(3))));

    [Fact]
    public void What_was_published_to_a_member_and_did_not_come_is_lost() => AssertOnly(Verdict.Lost, Good(Start(), Got(2)));

    [Fact]
    public void What_was_published_before_the_member_joined_or_after_it_left_is_not_for_it()
    {
        AssertOnly(Verdict.NotForThem, Good(Start(), Got(1), Got(2), Got(3)));
        AssertOnly(Verdict.NotForThem, Good(Start(), Got(2), Got(3), Got(5)));
    }

    [Fact]
    public void Between_a_request_and_its_answer_nothing_is_said()
    {
        Assert.Empty(MemberChecker.Check(Good(Start(), Got(2), Got(3), Got(4))));
        var unanswered = Good(Start(), Got(2), Got(3), Got(5));
        Assert.Empty(MemberChecker.Check(unanswered with { Changes = [.. unanswered.Changes.Take(2), unanswered.Changes[2] with { AnsweredAt = null }] }));
    }

    [Fact]
    public void After_a_request_that_may_still_be_made_nothing_is_said_of_the_user_and_the_group()
    {
        var late = Good(Start(), Got(2), Got(5));
        AssertOnly(Verdict.NotForThem, Changed(1, false));
        Assert.Empty(MemberChecker.Check(Changed(1, true)));
        AssertOnly(Verdict.Lost, Changed(2, true)); // what was before it stands

        MemberHistory Changed(int change, bool mayComeLater) => late with
        {
            Published = [.. late.Published.Where(published => published.Body != "b3" || change == 2)],
            Changes = [.. late.Changes.Select((one, i) => i == change ? one with { MayComeLater = mayComeLater } : one)],
        };
    }

    [Fact]
    public void What_comes_twice_to_a_member_is_duplicated() => AssertOnly(Verdict.Duplicated, Good(Start(), Got(2), Got(2), Got(3)));

    [Fact]
    public void A_change_whose_answer_was_destroyed_says_nothing()
    {
        var gone = Good(Start(), new Seen.Gap(At(60), 1, "f", "epoch"), Got(2)) with { Destroyed = [new Destroyed(At(20), At(50))] };
        Assert.Empty(MemberChecker.Check(gone));
    }

    // Left at 1, in at 11 to 12, out from 41 to 43; published at 5, 15, 25, 42 and 45.
    private static MemberHistory Good(params Seen[] events) => new(
        [new("u", "$group/g", false, At(0), At(1)), new("u", "$group/g", true, At(11), At(12)), new("u", "$group/g", false, At(41), At(43))],
        [Published(1, 5), Published(2, 15), Published(3, 25), Published(4, 42), Published(5, 45)],
        [new MemberJournal("u", new Journal("u", Topics, events))]);

    private static Published Published(int i, int at) => new("p", $"k{i}", "$group/g", $"b{i}", At(at), [new Ack(i, $"i{i}", "$group/g", At(at + 0.5))]);

    private static Seen.Resumed Start() => new(default, 0, "e");

    private static Seen.Received Got(int version) => new(At(50), version, $"i{version}", "$group/g", $"b{version}");

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    private static void AssertOnly(Verdict verdict, MemberHistory history)
    {
        var findings = MemberChecker.Check(history);
        Assert.NotEmpty(findings);
        Assert.All(findings, finding => Assert.Equal(verdict, finding.Verdict));
    }
}
