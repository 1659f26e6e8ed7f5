using CsCheck;
using Notify.Contracts.Topics;

namespace Notify.Tests.Contracts;

public class TopicFilterTests
{
    private static readonly Gen<string> AnyFilter =
        from segments in Gen.OneOf(TopicFilterModel.FilterSegments).Array[0, 3]
        from open in Gen.Bool
        let text = string.Join('/', open || segments.Length == 0 ? [.. segments, "#"] : segments)
        where text.Length > 0
        select text;

    private static readonly Gen<string> AnyTopic = Gen.OneOf(TopicFilterModel.Topics);

    [Fact]
    public void Matching_agrees_with_the_model() => Gen.Select(AnyFilter, AnyTopic).Sample((filter, topic) =>
        Assert.Equal(TopicFilterModel.Matches(filter, topic), Filter(filter).Matches(topic)), iter: 200_000);

    [Fact]
    public void Covering_means_to_match_every_topic_that_the_other_matches() => Gen.Select(AnyFilter, AnyFilter).Sample((mine, other) =>
        Assert.Equal(TopicFilterModel.Covers(mine, other), Filter(mine).Covers(Filter(other))), iter: 5_000);

    [Fact]
    public void Every_filter_covers_itself_and_covering_is_transitive() => Gen.Select(AnyFilter, AnyFilter, AnyFilter).Sample((a, b, c) =>
    {
        Assert.True(Filter(a).Covers(Filter(a)));
        if (Filter(a).Covers(Filter(b)) && Filter(b).Covers(Filter(c))) Assert.True(Filter(a).Covers(Filter(c)));
    });

    [Theory]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1", true)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1/ranking", true)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player10", false)]
    [InlineData("sport/#", "sport", true)]
    [InlineData("#", "a/b/c", true)]
    [InlineData("sport/tennis/+", "sport/tennis/player1", true)]
    [InlineData("sport/tennis/+", "sport/tennis/player1/ranking", false)]
    [InlineData("sport/+", "sport", false)]
    [InlineData("sport/+", "sport/", true)]
    [InlineData("+/tennis/#", "sport/tennis", true)]
    [InlineData("+/+", "/finance", true)]
    [InlineData("/+", "/finance", true)]
    [InlineData("+", "/finance", false)]
    [InlineData("#", "$SYS/monitor", false)]
    [InlineData("+/monitor/Clients", "$SYS/monitor/Clients", false)]
    [InlineData("$SYS/#", "$SYS/monitor/Clients", true)]
    [InlineData("$SYS/monitor/+", "$SYS/monitor/Clients", true)]
    [InlineData("ACCOUNTS", "Accounts", false)]
    [InlineData("/a", "a", false)]
    [InlineData("a", "a/", false)]
    [InlineData("caf\u00e9", "cafe\u0301", false)]
    public void The_examples_of_MQTT_4_7(string filter, string topic, bool matches) =>
        Assert.Equal(matches, Filter(filter).Matches(topic));

    [Theory]
    [InlineData("+/#", "#", true)] // a topic has at least one segment: both say "everything"
    [InlineData("#", "+/#", true)]
    [InlineData("/+/#", "/#", true)] // nor is there an empty topic for '/#' to match
    [InlineData("a/+/#", "a/#", false)] // 'a/#' matches 'a' too
    [InlineData("#", "$user/alice", false)]
    [InlineData("+/+", "$user/alice", false)]
    [InlineData("$user/+", "$user/alice", true)]
    [InlineData("$user/#", "#", false)]
    [InlineData("$group/ops", "$group/ops", true)]
    [InlineData("$group/ops", "$group/+", false)]
    [InlineData("orders/#", "orders", true)]
    [InlineData("orders/+", "orders/#", false)]
    public void What_a_grant_covers(string grant, string filter, bool covers) =>
        Assert.Equal(covers, Filter(grant).Covers(Filter(filter)));

    [Theory]
    [InlineData("sport/tennis#")]
    [InlineData("sport/tennis/#/ranking")]
    [InlineData("sport+")]
    [InlineData("+sport/a")]
    [InlineData("##")]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("a\0b")]
    [InlineData("a\u0085b")]
    public void What_is_no_filter_is_refused_with_a_reason(string? text)
    {
        Assert.False(TopicFilter.TryParse(text, out _, out var problem));
        Assert.NotEmpty(problem);
        Assert.False(TopicFilter.TryParseAny(text, out _, out _));
    }

    // Not in the theory above: attributes are stored as UTF-8, which would turn it into U+FFFD, a fine character.
    [Fact]
    public void An_unpaired_surrogate_is_refused() => What_is_no_filter_is_refused_with_a_reason("a/\ud800");

    [Theory]
    [InlineData("$user/alice")]
    [InlineData("$user/+")]
    [InlineData("$")]
    public void Nobody_follows_the_systems_topics_by_name_but_a_grant_may_hold_them(string text)
    {
        Assert.False(TopicFilter.TryParse(text, out _, out var problem));
        Assert.Contains("without asking", problem, StringComparison.Ordinal);
        Assert.True(TopicFilter.TryParseAny(text, out _, out _));
    }

    [Fact]
    public void Matching_allocates_nothing()
    {
        TopicFilter[] filters = [Filter("orders/+/paid/#"), Filter("#"), Filter("orders/eu/42"), Filter("+/+/+")];
        var matches = 0;
        foreach (var filter in filters) matches += filter.Matches("orders/eu/paid/42") ? 1 : 0;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            foreach (var filter in filters) matches += filter.Matches("orders/eu/paid/42") ? 1 : 0;
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(2002, matches);
    }

    private static TopicFilter Filter(string text) =>
        TopicFilter.TryParseAny(text, out var filter, out var problem) ? filter : throw new ArgumentException($"{text}: {problem}");
}
