using System.Security.Cryptography;
using System.Text;
using Notify.Contracts;
using Notify.Tests.Api;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Authentication;

/// <summary>Tokens of an OIDC authority, whose keys are fetched.</summary>
public sealed class AuthorityTests
{
    private const string Notifications = "/api/v1/notifications";

    [Fact]
    public async Task Tokens_of_the_authority_are_accepted_and_those_of_others_are_not()
    {
        await using var issuer = new TestIssuer();
        issuer.AddKey("only-512", "RS512");
        await issuer.StartAsync();
        await using var host = await StartAsync(issuer);
        foreach (var token in new[] { issuer.Token("alice"), issuer.Token("alice", algorithm: "PS256"), issuer.Token("alice", "only-512", "RS512"), issuer.Token("alice", header: """{"alg":"RS256"}""") })
            Assert.Equal(200, await StatusAsync(host, token));

        var publicKey = issuer.Key("first").ExportSubjectPublicKeyInfoPem();
        using var stranger = RSA.Create(2048);
        foreach (var token in new[]
        {
            issuer.Token("alice", audience: "other"), issuer.Token("alice", issuer: "https://idp.example"),
            issuer.Token("alice", "only-512", "RS256"), // the key is for another algorithm
            TestToken.Of("alice", new { iss = issuer.Url, aud = "notify" }), // a shared key beside an authority
            TestToken.Of("alice", new { iss = issuer.Url, aud = "notify" }, key: publicKey), // the public key as a secret
            TestToken.Sign("""{"alg":"RS256","typ":"JWT","kid":"first","jwk":{"kty":"RSA"}}""", $$"""{"iss":"{{issuer.Url}}","aud":"notify","sub":"alice","exp":9999999999}""", body => stranger.SignData(body, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)),
        }) Assert.Equal(401, await StatusAsync(host, token));
    }

    [Fact]
    public async Task A_new_key_is_fetched_when_a_token_has_it_at_a_bounded_rate_and_a_withdrawn_one_ends()
    {
        await using var issuer = new TestIssuer();
        await issuer.StartAsync();
        await using var host = await StartAsync(issuer);
        var first = issuer.Token("alice");
        Assert.Equal(200, await StatusAsync(host, first));
        issuer.AddKey("second");
        issuer.RemoveKey("first");
        var second = issuer.Token("alice", "second");
        await Eventually.TrueAsync(async () => await StatusAsync(host, second) == 200, "the new key is known");
        Assert.NotEqual(200, await StatusAsync(host, first)); // although it was verified before

        var served = issuer.Served;
        for (var i = 0; i < 20; i++) Assert.NotEqual(200, await StatusAsync(host, issuer.Token("alice", "second", header: $$"""{"alg":"RS256","kid":"made-up-{{i}}"}""").Replace("x", "y", StringComparison.Ordinal)));
        Assert.InRange(issuer.Served - served, 0, 3);
    }

    [Fact]
    public async Task An_authority_that_is_away_stops_neither_the_start_nor_known_keys()
    {
        await using var issuer = new TestIssuer();
        await using var host = await StartAsync(issuer);
        var away = await host.GetAsync(Notifications, TokenTests.Bearer(issuer.Token("alice")));
        away.IsProblem(401, ErrorCodes.Unauthenticated);
        Assert.Contains("has not answered", away.Text, StringComparison.Ordinal);
        await issuer.StartAsync();
        await Eventually.TrueAsync(async () => await StatusAsync(host, issuer.Token("alice")) == 200, "the authority answered");
        await issuer.StopAsync();
        Assert.Equal(200, await StatusAsync(host, issuer.Token("bob")));
        issuer.AddKey("unseen");
        Assert.Equal(401, await StatusAsync(host, issuer.Token("bob", "unseen")));
    }

    private static async Task<int> StatusAsync(ApiHost host, string token) => (await host.GetAsync(Notifications, TokenTests.Bearer(token))).Status;

    private static Task<ApiHost> StartAsync(TestIssuer issuer) =>
        ApiHost.StartAsync("Production", null, ("Notify:Auth:Authority", issuer.Url), ("Notify:Auth:Audience", "notify"));
}
