using System.Security.Claims;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;
using Notify.Server.Authentication;
using Claims = Notify.Server.Authentication.Tokens.Claims;

namespace Notify.Tests.Authentication;

public sealed class GrantRulesTests
{
    [Theory]
    [InlineData("orders/{user}/#", "alice", "orders/alice/#")]
    [InlineData("{user}", "alice", "alice")]
    [InlineData("{user}/{user}", "alice", "alice/alice")]
    [InlineData("orders/#", null, "orders/#")]
    [InlineData("$user/+", "alice", "$user/+")]
    [InlineData("orders/{user}/#", null, null)]
    [InlineData("$user/{user}", "alice", null)]
    [InlineData("x-{user}/a", "alice", null)]
    [InlineData("orders/{User}", "alice", "orders/{User}")] // an ordinary segment
    public void The_user_is_one_whole_segment_or_the_grant_is_void(string filter, string? user, string? expected) =>
        Assert.Equal(expected, GrantRules.Fill(filter, user)?.Text);

    [Theory]
    [InlineData("""{"realm_access":{"roles":["editor","x"]}}""", "realm_access.roles", "editor", true)]
    [InlineData("""{"realm_access":{"roles":"editor"}}""", "realm_access.roles", "editor", true)]
    [InlineData("""{"realm_access":{"roles":[["editor"]]}}""", "realm_access.roles", "editor", false)]
    [InlineData("""{"realm_access":{"roles":["Editor"]}}""", "realm_access.roles", "editor", false)]
    [InlineData("""{"realm_access":["editor"]}""", "realm_access.roles", "editor", false)]
    [InlineData("""{"https://idp.example/roles":["editor"]}""", "https://idp.example/roles", "editor", true)]
    [InlineData("""{"resource_access":{"my.app":{"roles":["editor"]}}}""", "resource_access.my.app.roles", "editor", true)]
    [InlineData("""{"scope":"a editor b"}""", "scope", "editor", true)]
    [InlineData("""{"role":"a editor b"}""", "role", "editor", false)]
    [InlineData("""{"staff":true}""", "staff", "true", true)]
    [InlineData("""{"staff":"true"}""", "staff", "true", true)]
    [InlineData("""{"level":3}""", "level", "3", true)]
    [InlineData("""{"level":30}""", "level", "3", false)]
    [InlineData("""{"role":{"editor":true}}""", "role", "editor", false)]
    public void A_claim_is_found_by_its_path_and_its_value(string payload, string path, string value, bool holds)
    {
        var settings = new GrantSettings { Claim = path, Value = value };
        settings.Subscribe.Add("docs/#");
        Assert.Equal(holds, For(payload, settings).Subscribe.Count == 1);
    }

    [Theory]
    [InlineData("""{"notify_subscribe":"a/#"}""", "a/#")]
    [InlineData("""{"notify_subscribe":["a/#","b"]}""", "a/#,b")]
    [InlineData("""{"notify_subscribe":["a/#",7,["c"],null,"x+","\ud800"]}""", "a/#")]
    [InlineData("""{"notify_subscribe":{"a":"#"}}""", "")]
    [InlineData("""{"notify_subscribe":true}""", "")]
    [InlineData("""{"notify_subscribe":"{user}/#"}""", "{user}/#")] // not filled in, in a claim
    public void A_claim_of_another_type_grants_nothing(string payload, string expected) =>
        Assert.Equal(expected, string.Join(',', For(payload).Subscribe.Select(filter => filter.Text)));

    [Fact]
    public void Groups_and_joins_are_names()
    {
        var grants = For("""{"notify_groups":["ops","a/b","$x",""],"notify_join":["+","fans","+x"],"notify_admin":1}""");
        Assert.Equal(["ops"], grants.Groups);
        Assert.Equal(["+", "fans"], grants.Join);
        Assert.False(grants.Admin);
        Assert.True(grants.MayJoin("any"));
    }

    [Fact]
    public void A_principals_claims_are_read_as_a_tokens_are()
    {
        var identity = new ClaimsIdentity([new("notify_subscribe", "a/#"), new("notify_subscribe", "b"), new("notify_publish", """["c","d"]""", "JSON_ARRAY"), new("notify_admin", "true"), new("role", "editor")], "cookie");
        var settings = new GrantSettings { Claim = "role", Value = "editor" };
        settings.Groups.Add("editors");
        var grants = new GrantRules(Options(settings)).For(Claims.Of(new ClaimsPrincipal(identity)), "alice");
        Assert.True(grants.Admin);
        Assert.Equal(["editors"], grants.Groups);
        Assert.True(grants.MayPublish("d"));
    }

    private static Engine.Access.Grants For(string payload, params GrantSettings[] settings) =>
        new GrantRules(Options(settings)).For(new Claims(JsonElement.Parse(payload)), "alice");

    private static IOptions<NotifyOptions> Options(params GrantSettings[] settings)
    {
        var options = new NotifyOptions();
        foreach (var grant in settings) options.Auth.Grants.Add(grant);
        return Microsoft.Extensions.Options.Options.Create(options);
    }
}
