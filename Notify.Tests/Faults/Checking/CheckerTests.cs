namespace Notify.Tests.Faults.Checking;

/// <summary>The checker by itself: silent on a good history, and the right word for each kind of bad one.</summary>
public class CheckerTests
{
    private static readonly IReadOnlySet<string> Topics = new HashSet<string> { "t" };

    [Fact]
    public void A_good_history_has_no_finding()
    {
        var result = Checker.Check(Good());
        Assert.Empty(result.Findings);
        Assert.Equal((4, 8L), (result.Acked, result.Delivered));
    }

    [Fact]
    public void A_good_history_with_a_reconnect_and_an_unanswered_publish_has_no_finding()
    {
        var good = Good([Start(), Got(1), Got(2), Again(), Got(3), Got(4), new Seen.Place(At(4), 4, "e")]);
        Assert.Empty(Checker.Check(good with { Published = [.. good.Published.Take(3), good.Published[3] with { Acks = [] }] }).Findings);
    }

    [Fact]
    public void What_was_acknowledged_and_did_not_come_is_lost() =>
        AssertOnly(Verdict.Lost, Good([Start(), Got(1), Got(2), Got(3)]));

    [Fact]
    public void What_no_client_got_is_lost_by_all() =>
        Assert.Equal(2, Checker.Check(new History(Published(1), [Journal("a", Start()), Journal("b", Start())])).Count(Verdict.Lost));

    [Fact]
    public void A_version_that_comes_twice_is_duplicated() =>
        AssertOnly(Verdict.Duplicated, Good([Start(), Got(1), Got(2), Got(3), Got(4), Got(4)]));

    [Fact]
    public void A_version_that_comes_again_after_a_reconnect_is_duplicated() =>
        AssertOnly(Verdict.Duplicated, Good([Start(), Got(1), Got(2), Again(), Got(2), Got(3), Got(4)]));

    [Fact]
    public void What_a_client_dropped_because_it_came_twice_is_duplicated()
    {
        var good = Good();
        AssertOnly(Verdict.Duplicated, good with { Journals = [good.Journals[0], good.Journals[1] with { DuplicatesDropped = 1 }] });
    }

    [Fact]
    public void A_version_after_a_higher_one_is_reordered() =>
        AssertOnly(Verdict.Reordered, Good([Start(), Got(1), Got(3), Got(2), Got(4)]));

    [Fact]
    public void A_version_at_or_below_a_place_already_reached_is_reordered() =>
        AssertOnly(Verdict.Reordered, Good([Start(), Got(1), Got(2), Got(3), new Seen.Place(At(3), 4, "e"), Got(4)]));

    [Fact]
    public void What_no_publisher_sent_is_invented() =>
        AssertOnly(Verdict.Invented, Good([Start(), Got(1), Got(2), Got(3), Got(4), Got(5)]));

    [Fact]
    public void What_was_refused_is_invented()
    {
        var good = Good();
        var refused = good.Published[3] with { Acks = [], Refused = true };
        AssertOnly(Verdict.Invented, good with { Published = [.. good.Published.Take(3), refused] });
    }

    [Fact]
    public void What_was_not_asked_for_is_invented()
    {
        var elsewhere = new Published("p", "k5", "u", "b5", At(5), [new Ack(5, "i5", "u", At(5))]);
        var good = Good([Start(), Got(1), Got(2), Got(3), Got(4), new Seen.Received(At(5), 5, "i5", "u", "b5")]);
        AssertOnly(Verdict.Invented, good with { Published = [.. good.Published, elsewhere] });
    }

    [Fact]
    public void A_version_with_another_content_for_another_client_has_two_contents()
    {
        var other = new Seen.Received(At(4), 4, "i9", "t", "b9");
        var both = new Published("p", "k9", "t", "b9", At(4), []);
        var good = Good([Start(), Got(1), Got(2), Got(3), other]);
        var result = Checker.Check(good with { Published = [.. good.Published, both] });
        Assert.Contains(result.Findings, finding => finding.Verdict == Verdict.TwoContents);
    }

    [Fact]
    public void An_acknowledgement_with_another_version_than_the_delivery_has_two_contents()
    {
        var good = Good();
        var wrong = good.Published[3] with { Acks = [new Ack(7, "i4", "t", At(4))] };
        AssertOnly(Verdict.TwoContents, good with { Published = [.. good.Published.Take(3), wrong] });
    }

    [Fact]
    public void A_version_passed_over_is_a_silent_hole_also_if_no_publisher_was_promised_it()
    {
        var good = Good([Start(), Got(1), Got(2), Got(4)]);
        var unanswered = good.Published[2] with { Acks = [] };
        AssertOnly(Verdict.SilentHole, good with { Published = [good.Published[0], good.Published[1], unanswered, good.Published[3]] });
    }

    [Fact]
    public void A_caught_up_that_passes_over_a_version_is_a_silent_hole()
    {
        var good = Good([Start(), Got(1), Got(2), Got(3), new Seen.Place(At(5), 4, "e")]);
        AssertOnly(Verdict.SilentHole, good with { Published = [.. good.Published.Take(3), good.Published[3] with { Acks = [] }] });
    }

    [Fact]
    public void A_Gap_excuses_exactly_what_it_covers()
    {
        Assert.Empty(Checker.Check(Good([Start(), Got(1), new Seen.Gap(At(2), 4, "e", "retention"), Got(4)])).Findings);
        var tooFew = Checker.Check(Good([Start(), Got(1), new Seen.Gap(At(2), 3, "e", "retention"), Got(4)]));
        Assert.Equal([3, 3], tooFew.Findings.Select(finding => finding.Version));
    }

    [Fact]
    public void Another_epoch_without_a_Gap_is_a_silent_hole() =>
        AssertOnly(Verdict.SilentHole, Good([Start(), Got(1), Got(2), new Seen.Resumed(At(2), 2, "other"), Got(3), Got(4)]));

    [Fact]
    public void What_a_fault_destroyed_is_lost_unless_a_Gap_said_that_the_log_is_another_one()
    {
        var destroyed = Good([Start(), Got(1), Got(2), Got(3)]) with { Destroyed = [new Destroyed(At(4), At(4))] };
        AssertOnly(Verdict.Lost, destroyed);
        var told = Good([Start(), Got(1), Got(2), Got(3), new Seen.Gap(At(5), 1, "f", "epoch"), Got(1), Got(2), Got(3)]);
        Assert.Empty(Checker.Check(told with { Destroyed = destroyed.Destroyed }).Findings);
    }

    [Fact]
    public void A_replaced_log_without_a_Gap_is_a_silent_hole() => AssertOnly(Verdict.SilentHole, Good() with { Replaced = true });

    [Fact]
    public void A_key_answered_with_two_versions_is_a_key_twice()
    {
        var good = Good();
        var twice = good.Published[3] with { Acks = [new Ack(4, "i4", "t", At(4)), new Ack(5, "i5", "t", At(4))] };
        var result = Checker.Check(good with { Published = [.. good.Published.Take(3), twice] });
        Assert.Contains(result.Findings, finding => finding.Verdict == Verdict.KeyTwice);
    }

    [Fact]
    public void A_key_stored_twice_is_a_key_twice()
    {
        Seen again = new Seen.Received(At(5), 5, "i5", "t", "b4");
        var good = Good([Start(), Got(1), Got(2), Got(3), Got(4), again]);
        AssertOnly(Verdict.KeyTwice, good with { Journals = [good.Journals[1], good.Journals[1] with { Subscriber = "c" }] });
    }

    [Fact]
    public void A_client_that_is_up_to_date_only_after_the_bound_is_late()
    {
        var slow = Good([Start(), Got(1), Got(2), Got(3), Got(4) with { At = At(9) }]) with { HealedAt = At(3) + TimeSpan.FromTicks(1) };
        Assert.Empty(Checker.Check(slow with { Bound = TimeSpan.FromSeconds(7) }).Findings);
        AssertOnly(Verdict.Late, slow with { Bound = TimeSpan.FromSeconds(5) });
    }

    [Fact]
    public void A_publisher_that_is_never_answered_again_is_late() => AssertOnly(Verdict.Late, Good() with { HealedAt = At(6) });

    private static void AssertOnly(Verdict verdict, History history)
    {
        var findings = Checker.Check(history).Findings;
        Assert.NotEmpty(findings);
        Assert.All(findings, finding => Assert.True(
            finding.Verdict == verdict || (verdict == Verdict.Lost && finding.Verdict == Verdict.SilentHole), finding.ToString()));
    }

    private static History Good(IReadOnlyList<Seen>? second = null) => new(
        Published(4),
        [Journal("a", Start(), Got(1), Got(2), Got(3), Got(4)), Journal("b", [.. second ?? [Start(), Got(1), Got(2), Got(3), Got(4)]])]);

    private static List<Published> Published(int count) =>
        [.. Enumerable.Range(1, count).Select(i => new Published("p", $"k{i}", "t", $"b{i}", At(i), [new Ack(i, $"i{i}", "t", At(i))]))];

    private static Journal Journal(string name, params Seen[] events) => new(name, Topics, events);

    private static Seen.Resumed Start() => new(default, 0, "e");

    private static Seen.Resumed Again() => new(At(2), 2, "e");

    private static Seen.Received Got(int version) => new(At(version), version, $"i{version}", "t", $"b{version}");

    private static TimeSpan At(int seconds) => TimeSpan.FromSeconds(seconds);
}
