using Microsoft.Extensions.Time.Testing;
using Notify.Engine.Access;
using Notify.Server.Authentication;
using Notify.Server.Authentication.Tokens;

namespace Notify.Tests.Authentication;

public sealed class VerifiedTokensTests : IDisposable
{
    private const string Text = "header.payload.signature";

    private readonly FakeTimeProvider _time = new();
    private readonly VerifiedTokens _tokens;
    private readonly VerifiedTokens _empty;
    private readonly LastShown _last = new();
    private readonly ReadOnlyMemory<char> _shown = Text.AsMemory();

    public VerifiedTokensTests() => (_tokens, _empty) = (new VerifiedTokens(_time), new VerifiedTokens(_time));

    public void Dispose()
    {
        _tokens.Dispose();
        _empty.Dispose();
    }

    [Fact]
    public void A_token_is_found_by_its_text_and_on_its_connection_without_it()
    {
        Assert.False(_tokens.TryGet(_shown, _last, 0, out _));
        _tokens.Keep(Text, 0, Of("alice"));
        Assert.True(_tokens.TryGet(new string(Text).AsMemory(), last: null, 0, out _));
        Assert.True(_tokens.TryGet(_shown, _last, 0, out _));
        Assert.True(_empty.TryGet(_shown, _last, 0, out var again));
        Assert.Equal("alice", again.User);
    }

    [Fact]
    public void Another_text_on_the_same_connection_is_looked_up_also_when_it_reads_the_same()
    {
        _tokens.Keep(Text, 0, Of("alice"));
        Assert.True(_tokens.TryGet(_shown, _last, 0, out _));
        Assert.False(_empty.TryGet(new string(Text.ToCharArray()).AsMemory(), _last, 0, out _));
        Assert.False(_empty.TryGet(_shown[..^1], _last, 0, out _));
        Assert.False(_tokens.TryGet("another.payload.signature".AsMemory(), _last, 0, out _));

        _tokens.Keep("another.payload.signature", 0, Of("bob"));
        Assert.True(_tokens.TryGet("another.payload.signature".AsMemory(), _last, 0, out var other));
        Assert.True(_tokens.TryGet(_shown, _last, 0, out var first));
        Assert.Equal(("bob", "alice"), (other.User, first.User));
    }

    [Fact]
    public void One_that_was_verified_with_earlier_keys_is_verified_again_and_then_kept()
    {
        _tokens.Keep(Text, 0, Of("alice"));
        Assert.True(_tokens.TryGet(_shown, _last, 0, out _));
        Assert.False(_tokens.TryGet(_shown, _last, 1, out _));
        _tokens.Keep(Text, 1, Of("alice"));
        Assert.True(_tokens.TryGet(_shown, _last, 1, out _));
        Assert.True(_empty.TryGet(_shown, _last, 1, out _));
    }

    [Fact]
    public void One_is_kept_for_five_minutes()
    {
        _tokens.Keep(Text, 0, Of("alice"));
        Assert.True(_tokens.TryGet(_shown, _last, 0, out _));
        _time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        Assert.True(_empty.TryGet(_shown, _last, 0, out _));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(_tokens.TryGet(_shown, _last, 0, out _));
    }

    private VerifiedToken Of(string user) => new(user, user, "", null, null, _time.GetUtcNow() + TimeSpan.FromHours(1), new Grants());
}
