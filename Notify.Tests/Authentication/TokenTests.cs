using System.Globalization;
using System.Text;
using System.Text.Json;
using Notify.Contracts;
using Notify.Tests.Api;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Authentication;

/// <summary>Tokens signed with a shared key, over REST: which are accepted, and why others are not.</summary>
public sealed class TokenTests
{
    private const string Notifications = "/api/v1/notifications";
    private const string Header = """{"alg":"HS256","typ":"JWT"}""";
    private const string Grants = "\"notify_publish\":\"orders/#\",\"notify_subscribe\":[\"orders/#\"]";

    private static long Now => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    private static string Good => $$"""{"sub":"alice","exp":{{Now + 60}},{{Grants}}}""";

    public static TheoryData<string, string> BadTokens => new()
    {
        { "not.a.token", "no token" },
        { "", "no token" },
        { "a.b", "no token" },
        { TestToken.Hmac(Header, Good)[..^4], "not signed" },
        { TestToken.Hmac(Header, Good, new string('x', 40)), "not signed" },
        { TestToken.Hmac("""{"alg":"HS512","typ":"JWT"}""", Good, ThirdKey, "HS384"), "not signed" },
        { TestToken.Hmac("""{"alg":"HS384","typ":"JWT"}""", Good, ThirdKey, "HS256"), "not signed" },
        { $"{TestToken.Encode("""{"alg":"none","typ":"JWT"}"""u8.ToArray())}.{TestToken.Encode(Encoding.UTF8.GetBytes(Good))}.", "no token" },
        { TestToken.Hmac("""{"alg":"none","typ":"JWT"}""", Good), "algorithm" },
        { TestToken.Hmac("""{"alg":"hs256","typ":"JWT"}""", Good), "algorithm" },
        { TestToken.Hmac("""{"alg":"RS256","typ":"JWT"}""", Good), "algorithm" },
        { TestToken.Hmac("""{"typ":"JWT"}""", Good), "no token" },
        { TestToken.Hmac("""{"alg":"HS256","alg":"none","typ":"JWT"}""", Good), "no token" },
        { TestToken.Hmac("""{"alg":"HS256","typ":"JWT","crit":["exp"]}""", Good), "'crit'" },
        { TestToken.Hmac("""{"alg":"HS256","typ":"JWT","crit":[]}""", Good), "'crit'" },
        { TestToken.Hmac("""{"alg":"HS256","typ":"dpop+jwt"}""", Good), "'typ'" },
        { TestToken.Hmac("""{"alg":"HS256","typ":""}""", Good), "'typ'" },
        { TestToken.Hmac(Header, $$"""{"sub":"alice",{{Grants}}}"""), "'exp'" },
        { TestToken.Hmac(Header, $$"""{"sub":"alice","exp":"{{Now + 60}}"}"""), "" }, // the library's own words
        { TestToken.Hmac(Header, $$"""{"sub":"alice","exp":null}"""), "" },
        { TestToken.Hmac(Header, $$"""{"sub":"alice","exp":{{Now - 31}}}"""), "expired" },
        { TestToken.Hmac(Header, $$"""{"sub":"alice","exp":{{Now + 60}},"nbf":{{Now + 3600}}}"""), "not good yet" },
        { TestToken.Hmac(Header, $$"""{"sub":"alice","exp":{{Now + 60}},"iat":{{Now + 3600}}}"""), "in the future" },
        { TestToken.Hmac(Header, $$"""{"sub":"alice","exp":{{Now + 60}},"iat":"yesterday"}"""), "" },
        { TestToken.Hmac(Header, $$"""{"sub":42,"exp":{{Now + 60}}}"""), "'sub'" },
        { TestToken.Hmac(Header, $$"""{"sub":"\ud800","exp":{{Now + 60}}}"""), "" },
        { TestToken.Hmac(Header, $$"""{"sub":"alice","sub":"root","exp":{{Now + 60}}}"""), "no token" },
        { "ntf_0123456789abcdef_" + new string('0', 72), "checksum" },
    };

    [Theory]
    [MemberData(nameof(BadTokens), DisableDiscoveryEnumeration = true)]
    public async Task A_bad_token_is_401_and_says_why(string token, string reason)
    {
        await using var host = await StartAsync();
        var answer = await host.GetAsync(Notifications, Bearer(token));
        answer.IsProblem(401, ErrorCodes.Unauthenticated);
        Assert.Contains(reason, answer.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("Bearer realm=\"notify\", error=\"invalid_token\", error_description=\"", answer.Header("WWW-Authenticate"),
            StringComparison.Ordinal);
    }

    public static TheoryData<string> GoodTokens =>
    [
        TestToken.Hmac(Header, Good),
        TestToken.Hmac("""{"alg":"HS256"}""", Good),
        TestToken.Hmac("""{"alg":"HS256","typ":"at+jwt","kid":"../../etc/passwd","jku":"http://127.0.0.1:1/keys"}""", Good),
        TestToken.Hmac("""{"alg":"HS512","typ":"JWT"}""", Good, SecondKey, "HS512"),
        TestToken.Hmac(Header, Good, SecondKey),
        TestToken.Hmac("""{"alg":"HS384","typ":"JWT"}""", Good, ThirdKey, "HS384"),
        TestToken.Hmac("""{"alg":"HS512","typ":"JWT"}""", Good, ThirdKey, "HS512"), // of 32 bytes, as for HS256
        TestToken.Hmac(Header, $$"""{"sub":"alice","exp":{{Now - 20}},"iat":{{Now + 20}},"nbf":{{Now + 20}},{{Grants}}}"""), // within the skew
        TestToken.Hmac(Header, $$"""{"sub":"alice","exp":{{Now + 60}}.5,{{Grants}}}"""),
        TestToken.Hmac(Header, $$"""{"sub":"alice","exp":1e18,{{Grants}}}"""),
    ];

    private static string SecondKey => new('2', 64);

    private static string ThirdKey => new('3', 32);

    [Theory]
    [MemberData(nameof(GoodTokens), DisableDiscoveryEnumeration = true)]
    public async Task A_good_token_of_either_key_is_accepted(string token)
    {
        await using var host = await StartAsync();
        Assert.Equal(201, (await host.PostAsync(Notifications, """{"topic":"orders/1","title":"x"}""", Bearer(token))).Status);
        Assert.Equal("alice", Publisher(host));
    }

    [Fact]
    public async Task A_token_is_verified_again_when_it_is_used_again()
    {
        await using var host = await StartAsync();
        var token = TestToken.Hmac(Header, $$"""{"sub":"alice","exp":{{Now - 28}},{{Grants}}}""");
        Assert.Equal(200, (await host.GetAsync(Notifications, Bearer(token))).Status); // and is in the cache now
        await Eventually.TrueAsync(async () => (await host.GetAsync(Notifications, Bearer(token))).Status == 401, "the token expired");
    }

    [Fact]
    public async Task Credentials_are_shown_once_and_a_bad_one_never_falls_through()
    {
        await using var host = await StartAsync(("Notify:Auth:Anonymous:Subscribe:0", "#"));
        var good = TestToken.Of("alice", new { notify_subscribe = "#" });
        Assert.Equal(200, (await host.GetAsync(Notifications)).Status);
        (await host.GetAsync(Notifications, Bearer("bad"))).IsProblem(401, ErrorCodes.Unauthenticated);
        (await host.GetAsync(Notifications, Bearer(good), ("X-Api-Key", "bad"))).IsProblem(400, ErrorCodes.InvalidRequest);
        (await host.GetAsync("/api/v1/stream?filter=a&access_token=" + good, Bearer(good))).IsProblem(400, ErrorCodes.InvalidRequest);
        (await host.GetAsync(Notifications, ("X-Api-Key", good))).IsProblem(401, ErrorCodes.Unauthenticated); // a token is no key
        (await host.GetAsync(Notifications + "?access_token=" + good)).IsProblem(400, ErrorCodes.InvalidRequest);
        (await host.PostAsync(Notifications + "?access_token=" + good, """{"topic":"a","title":"x"}""")).IsProblem(400, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Without_a_credential_there_are_the_anonymous_grants()
    {
        await using var host = await StartAsync(("Notify:Auth:Anonymous:Subscribe:0", "news/#"), ("Notify:Auth:Anonymous:Publish:0", "feedback"));
        Assert.Equal(201, (await host.PostAsync(Notifications, """{"topic":"feedback","title":"x"}""")).Status);
        var refused = await host.PostAsync(Notifications, """{"topic":"news","title":"x"}""");
        refused.IsProblem(401, ErrorCodes.Unauthenticated);
        Assert.Equal("Bearer realm=\"notify\"", refused.Header("WWW-Authenticate"));
        Assert.Equal(200, (await host.GetAsync(Notifications + "?filter=news/eu")).Status);
        (await host.GetAsync(Notifications + "?filter=%23")).IsProblem(401, ErrorCodes.Unauthenticated);
        (await host.GetAsync(Notifications + "?user=alice")).IsProblem(400, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Every_door_asks_for_the_grant()
    {
        await using var host = await StartAsync();
        var alice = Bearer(TestToken.Of("alice", new { notify_publish = new[] { "orders/eu/+", "$user/+" }, notify_subscribe = "orders/#" }));
        Assert.Equal(201, (await host.PostAsync(Notifications, """{"topic":"orders/eu/1","title":"x"}""", alice)).Status);
        Assert.Equal(201, (await host.PostAsync(Notifications, """{"user":"bob","title":"x"}""", alice)).Status);
        var refused = await host.PostAsync(Notifications, """{"topic":"orders/us/1","title":"x"}""", alice);
        refused.IsProblem(403, ErrorCodes.Forbidden);
        Assert.Contains("orders/us/1", refused.Text, StringComparison.Ordinal);
        (await host.PostAsync(Notifications, """{"group":"ops","title":"x"}""", alice)).IsProblem(403, ErrorCodes.Forbidden);
        (await host.SendAsync(HttpMethod.Post, "/api/v1/topics/orders/eu", new StringContent("x"), alice)).IsProblem(403, ErrorCodes.Forbidden);
        (await host.SendAsync(HttpMethod.Post, "/api/v1/topics/orders%2Feu%2F..%2Fus", new StringContent("x"), alice)).IsProblem(403, ErrorCodes.Forbidden);
        var batch = await host.PostAsync(Notifications + "/batch", """{"notifications":[{"topic":"orders/eu/2","title":"x"},{"topic":"orders/us/2","title":"x"}]}""", alice);
        Assert.Equal([201, 403], batch.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetInt32()));

        Assert.Equal(2, (await host.GetAsync(Notifications, alice)).Json.GetProperty("items").GetArrayLength()); // not bob's
        (await host.GetAsync(Notifications + "?filter=%23", alice)).IsProblem(403, ErrorCodes.Forbidden);
        (await host.GetAsync("/api/v1/stream?filter=orders/%23&filter=%2B/%23", alice)).IsProblem(403, ErrorCodes.Forbidden);

        var forBob = $"{Notifications}/{host.Log.Entries.Single(entry => entry.Topic == "$user/bob").Id}";
        (await host.GetAsync(forBob, alice)).IsProblem(404, ErrorCodes.NotFound);
        (await host.GetAsync(forBob)).IsProblem(401, ErrorCodes.Unauthenticated);
        Assert.Equal(200, (await host.GetAsync(forBob, Bearer(TestToken.Of("bob")))).Status);
        Assert.Equal(200, (await host.GetAsync(forBob, Bearer(TestToken.Of("root", new { notify_admin = true })))).Status);
        // a claim of the wrong type
        (await host.GetAsync(forBob, Bearer(TestToken.Of("root", new { notify_admin = "true" })))).IsProblem(404, ErrorCodes.NotFound);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a+")]
    [InlineData("$alice")]
    [InlineData("me")]
    [InlineData("..")]
    public async Task A_subject_that_is_no_user_id_makes_no_user_and_still_names_the_publisher(string subject)
    {
        await using var host = await StartAsync(("Notify:Auth:Grants:0:Publish:0", "of/{user}/#"), ("Notify:Auth:Grants:1:Publish:0", "all"));
        var caller = Bearer(TestToken.Of(subject));
        Assert.Equal(201, (await host.PostAsync(Notifications, """{"topic":"all","title":"x"}""", caller)).Status);
        Assert.Equal(subject, Publisher(host));
        (await host.PostAsync(Notifications, JsonSerializer.Serialize(new { topic = $"of/{subject}/x", title = "x" }), caller))
            .IsProblem(subject.Contains('+', StringComparison.Ordinal) ? 400 : 403, subject.Contains('+', StringComparison.Ordinal) ? ErrorCodes.InvalidTopic
            : ErrorCodes.Forbidden);
        Assert.Equal(201, (await host.PostAsync(Notifications, """{"topic":"of/bob/x","title":"x"}""", Bearer(TestToken.Of("bob")))).Status);
    }

    [Fact]
    public async Task Idempotency_keys_of_different_callers_never_meet()
    {
        await using var host = await StartAsync();
        var key = ("Idempotency-Key", "k");
        (string Name, string Value)[] callers =
        [
            Bearer(TestToken.Of("b:c", new { iss = "a", notify_publish = "#" })), Bearer(TestToken.Of("c", new { iss = "a:b", notify_publish = "#" })),
            Bearer(TestToken.Of("a\0b", new { notify_publish = "#" })), Bearer(TestToken.Of(new string('x', 1000), new { notify_publish = "#" })),
        ];
        foreach (var caller in callers) Assert.Equal(201, (await host.PostAsync(Notifications, """{"topic":"a","title":"x"}""", caller, key)).Status);
    }

    [Fact]
    public async Task More_than_thirty_bad_ones_a_minute_are_429_and_good_ones_are_accepted_all_the_same()
    {
        await using var host = await StartAsync();
        var statuses = new List<int>();
        for (var i = 0; i < 35; i++)
            statuses.Add((await host.GetAsync(Notifications,
                Bearer(TestToken.Hmac(Header, Good, new string('x', 40) + i.ToString(CultureInfo.InvariantCulture))))).Status);
        Assert.Equal((30, 5), (statuses.Count(status => status == 401), statuses.Count(status => status == 429)));
        var refused = await host.GetAsync(Notifications, Bearer("bad"));
        refused.IsProblem(429, ErrorCodes.TooManyRequests);
        Assert.InRange(int.Parse(refused.Header("Retry-After")!, CultureInfo.InvariantCulture), 1, 60);
        Assert.Equal(200, (await host.GetAsync(Notifications, Bearer(TestToken.Of("alice")))).Status);
        // was good once
        (await host.GetAsync(Notifications, Bearer(TestToken.Of("alice", lifetime: TimeSpan.FromHours(-1))))).IsProblem(401, ErrorCodes.Unauthenticated);
        (await host.GetAsync(Notifications)).IsProblem(401, ErrorCodes.Unauthenticated);
    }

    [Fact]
    public async Task AllowAnonymous_alone_opens_every_topic_and_refuses_any_credential()
    {
        await using var host = await ApiHost.StartAsync("Production", null, ("Notify:Auth:AllowAnonymous", "true"));
        Assert.Equal(201, (await host.PostAsync(Notifications, """{"topic":"a/b","title":"x"}""")).Status);
        (await host.PostAsync(Notifications, """{"topic":"a/b","title":"x"}""", Bearer(TestToken.Of("alice")))).IsProblem(401, ErrorCodes.Unauthenticated);
    }

    [Fact]
    public async Task Issuer_and_audience_are_demanded_where_they_are_set()
    {
        await using var host = await StartAsync(("Notify:Auth:Issuer", "https://idp.example"), ("Notify:Auth:Audience", "notify"));
        Assert.Equal(200,
            (await host.GetAsync(Notifications, Bearer(TestToken.Of("alice", new { iss = "https://idp.example", aud = new[] { "x", "notify" } })))).Status);
        foreach (var claims in new object[] { new { aud = "notify" }, new { iss = "https://idp.example" },
            new { iss = "https://idp.example/", aud = "notify" }, new { iss = "https://idp.example", aud = "Notify" } })
            (await host.GetAsync(Notifications, Bearer(TestToken.Of("alice", claims)))).IsProblem(401, ErrorCodes.Unauthenticated);
    }

    internal static (string Name, string Value) Bearer(string token) => ("Authorization", $"Bearer {token}");

    private static Task<ApiHost> StartAsync(params (string Key, string Value)[] settings) =>
        ApiHost.StartAsync("Production", null,
            [.. settings, ("Notify:Auth:SigningKeys:0", TestToken.Key), ("Notify:Auth:SigningKeys:1", SecondKey), ("Notify:Auth:SigningKeys:2", ThirdKey)]);

    private static string? Publisher(ApiHost host) => JsonElement.Parse(host.Log.Entries[^1].Content.Span).GetProperty("publisher").GetString();
}
