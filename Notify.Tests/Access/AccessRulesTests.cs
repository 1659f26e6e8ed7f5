using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Access;

namespace Notify.Tests.Access;

public sealed class AccessRulesTests
{
    private static readonly Caller Anonymous =
        new() { Kind = CallerKind.Anonymous, Grants = new Grants { Subscribe = Callers.Filters("news/#"), Publish = Callers.Filters("feedback/+") } };
    private static readonly Caller Stranger = new() { Kind = CallerKind.Anonymous };
    private static readonly Caller Everybody =
        new() { Kind = CallerKind.Everybody, Grants = new Grants { Subscribe = Grants.EveryTopic, Publish = Grants.Everything } };
    private static readonly Caller Alice =
        Callers.User("alice", subscribe: ["orders/#", "a/+"], publish: ["orders/eu/+", "$user/+", "$group/ops"], groups: ["team"], join: ["fans"]);
    private static readonly Caller Key =
        new() { Kind = CallerKind.Key, Name = "billing", Publisher = "key:1", Grants = new Grants { Publish = Callers.Filters("#") } };

    public static TheoryData<string, string, string?> Follows => new()
    {
        { "alice", "orders/#", null }, { "alice", "orders", null }, { "alice", "orders/eu/+", null }, { "alice", "a/b", null }, { "alice", "a/+", null },
        { "alice", "#", ErrorCodes.Forbidden }, { "alice", "+/#", ErrorCodes.Forbidden }, { "alice", "+/eu/1", ErrorCodes.Forbidden },
            { "alice", "a/#", ErrorCodes.Forbidden },
        { "alice", "Orders/#", ErrorCodes.Forbidden }, { "alice", "orders../x", ErrorCodes.Forbidden }, { "alice", "\uff4frders/#", ErrorCodes.Forbidden },
            { "alice", "/orders", ErrorCodes.Forbidden },
        { "admin", "#", null }, { "admin", "anything/at/all", null }, { "everybody", "#", null },
        { "key", "news", ErrorCodes.Forbidden }, { "anonymous", "news/eu", null }, { "anonymous", "news/#", null },
            { "anonymous", "#", ErrorCodes.Unauthenticated },
        { "stranger", "news", ErrorCodes.Unauthenticated },
    };

    public static TheoryData<string, string, string?> Publishes => new()
    {
        { "alice", "orders/eu/1", null }, { "alice", "orders/eu", ErrorCodes.Forbidden }, { "alice", "orders/eu/1/2", ErrorCodes.Forbidden },
            { "alice", "orders/us/1", ErrorCodes.Forbidden },
        { "alice", "$user/bob", null }, { "alice", "$group/ops", null }, { "alice", "$group/team", ErrorCodes.Forbidden },
        { "admin", "x", null }, { "admin", "$user/bob", null }, { "admin", "$group/ops", null },
        { "key", "x/y", null }, { "key", "$user/bob", ErrorCodes.Forbidden }, { "key", "$group/ops", ErrorCodes.Forbidden },
        { "everybody", "x", null }, { "anonymous", "feedback/1", null }, { "anonymous", "news", ErrorCodes.Unauthenticated },
            { "stranger", "x", ErrorCodes.Unauthenticated },
    };

    [Theory]
    [MemberData(nameof(Follows))]
    public void Following_needs_a_grant_that_covers_the_whole_filter(string caller, string filter, string? code) =>
        Assert.Equal(code, AccessRules.Follow(Of(caller), Callers.Filter(filter))?.Code);

    [Theory]
    [MemberData(nameof(Publishes))]
    public void Publishing_needs_a_grant_that_covers_the_topic(string caller, string topic, string? code) =>
        Assert.Equal(code, AccessRules.Publish(Of(caller), topic)?.Code);

    [Fact]
    public void A_refusal_names_what_is_not_granted()
    {
        Assert.Contains("'orders/us/1'", AccessRules.Publish(Alice, "orders/us/1")!.Detail, StringComparison.Ordinal);
        Assert.Contains("'+/x'", AccessRules.Follow(Alice, Callers.Filters("orders/#", "+/x"))!.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alice", "$user/alice", true)]
    [InlineData("alice", "$user/bob", false)]
    [InlineData("alice", "$group/team", true)]
    [InlineData("alice", "$group/ops", false)] // publishing there is not reading
    [InlineData("alice", "orders/1", true)]
    [InlineData("alice", "other", false)]
    [InlineData("admin", "$user/bob", true)]
    [InlineData("key", "x", false)]
    [InlineData("everybody", "x", true)]
    [InlineData("everybody", "$user/bob", false)]
    [InlineData("anonymous", "news/1", true)]
    public void A_notification_exists_for_callers_that_may_read_its_topic(string caller, string topic, bool seen) =>
        Assert.Equal(seen, AccessRules.MaySee(Of(caller), topic));

    [Fact]
    public void Reading_without_a_filter_is_what_may_be_followed_and_never_the_systems_topics()
    {
        Assert.Null(AccessRules.ReadAll(Alice, out var filters));
        Assert.Equal(["orders/#", "a/+"], filters.Select(filter => filter.Text));
        Assert.Null(AccessRules.ReadAll(Callers.Admin, out filters));
        Assert.Equal(["#"], filters.Select(filter => filter.Text));
        Assert.Null(AccessRules.ReadAll(Key, out filters));
        Assert.Empty(filters);
        Assert.Equal(ErrorCodes.Unauthenticated, AccessRules.ReadAll(Stranger, out _)?.Code);
    }

    [Fact]
    public void What_is_a_users_own_is_the_users_and_the_administrators()
    {
        (Func<Caller, Refusal?> Rule, string? Alice, string? Admin, string? Key)[] rules =
        [
            (caller => AccessRules.SeeUser(caller, "alice"), null, null, ErrorCodes.NotFound),
            (caller => AccessRules.SeeUser(caller, "bob"), ErrorCodes.NotFound, null, ErrorCodes.NotFound),
            (caller => AccessRules.ChangeUser(caller, "alice"), null, null, ErrorCodes.Forbidden),
            (caller => AccessRules.ChangeUser(caller, "bob"), ErrorCodes.Forbidden, null, ErrorCodes.Forbidden),
            (AccessRules.SeeAdministration, ErrorCodes.NotFound, null, ErrorCodes.NotFound),
            (AccessRules.Administer, ErrorCodes.Forbidden, null, ErrorCodes.Forbidden),
            (caller => AccessRules.Join(caller, "fans"), null, null, ErrorCodes.InvalidRequest),
            (caller => AccessRules.Join(caller, "ops"), ErrorCodes.Forbidden, null, ErrorCodes.InvalidRequest),
            (AccessRules.AskForOneself, null, null, null),
        ];
        foreach (var (rule, alice, admin, key) in rules)
        {
            Assert.Equal((alice, admin, key), (rule(Alice)?.Code, rule(Callers.Admin)?.Code, rule(Key)?.Code));
            Assert.Equal((ErrorCodes.Forbidden, ErrorCodes.Unauthenticated), (rule(Everybody)?.Code, rule(Anonymous)?.Code));
        }
    }

    [Fact]
    public void Me_is_the_callers_own_user_and_no_other()
    {
        Assert.Null(AccessRules.UserOf(Alice, "me", out var user));
        Assert.Equal("alice", user);
        Assert.Equal(ErrorCodes.InvalidRequest, AccessRules.UserOf(Key, "me", out _)?.Code);
        Assert.Equal(ErrorCodes.InvalidRequest, AccessRules.UserOf(Alice, "a/b", out _)?.Code);
        Assert.Equal(ErrorCodes.Unauthenticated, AccessRules.UserOf(Stranger, "me", out _)?.Code);
    }

    [Fact]
    public void Many_grants_decide_as_one_by_one()
    {
        var filters = Callers.Filters([.. Enumerable.Range(0, 10_000).Select(i => i % 3 == 0 ? $"t{i}" : i % 3 == 1 ? $"t{i}/+" : $"+/t{i}/#")]);
        var grants = new Grants { Subscribe = filters, Publish = filters };
        foreach (var wanted in new[] { "t0", "t1", "t1/x", "t1/#", "x/t2", "x/t2/y", "x/t3", "t3", "t9999", "t9998/+" })
        {
            Assert.Equal(filters.Any(filter => filter.Covers(Callers.Filter(wanted))), grants.MaySubscribe(Callers.Filter(wanted)));
            if (Callers.Filter(wanted).IsExact) Assert.Equal(filters.Any(filter => filter.Matches(wanted)), grants.MayPublish(wanted));
        }
    }

    private static Caller Of(string name) => name switch
    {
        "alice" => Alice,
        "admin" => Callers.Admin,
        "key" => Key,
        "everybody" => Everybody,
        "anonymous" => Anonymous,
        _ => Stranger,
    };
}
