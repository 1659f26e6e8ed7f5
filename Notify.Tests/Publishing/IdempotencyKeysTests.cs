using System.Security.Cryptography;
using Notify.Engine.Access;
using Notify.Engine.Publishing;
using Notify.Tests.Access;

namespace Notify.Tests.Publishing;

public class IdempotencyKeysTests
{
    [Theory]
    [InlineData(1, false, null)]
    [InlineData(255, false, null)]
    [InlineData(0, false, "1 to 255 characters")]
    [InlineData(256, false, "1 to 255 characters")]
    [InlineData(1, true, "ephemeral")]
    public void A_key_has_some_characters_and_is_for_what_is_stored(int length, bool ephemeral, string? problem)
    {
        var refusal = IdempotencyKeys.Problem(new string('k', length), ephemeral);
        if (problem is null) Assert.Null(refusal);
        else Assert.Contains(problem, refusal!.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\0a")]
    [InlineData("a\n")]
    [InlineData("a\u007fb")]
    public void A_key_has_no_control_characters(string key) =>
        Assert.Contains("control characters", IdempotencyKeys.Problem(key, ephemeral: false)!.Detail, StringComparison.Ordinal);

    [Fact]
    public void The_call_and_every_byte_of_the_body_tell_requests_apart()
    {
        var hash = IdempotencyKeys.Hash("POST /a", "{}"u8);
        Assert.Equal(SHA256.HashData("POST /a\n{}"u8), hash);
        Assert.NotEqual(hash, IdempotencyKeys.Hash("POST /b", "{}"u8));
        Assert.NotEqual(hash, IdempotencyKeys.Hash("POST /a", "{ }"u8));
        Assert.NotEqual(IdempotencyKeys.Hash("a", "bc"u8), IdempotencyKeys.Hash("ab", "c"u8));
    }

    [Fact]
    public void Keys_of_publishers_of_requests_and_of_a_batchs_items_live_apart()
    {
        var caller = Callers.User("alice");
        var keys = new[]
        {
            IdempotencyKeys.Own(caller, "a#0", new byte[] { 1 }),
            IdempotencyKeys.OfBatch(caller, "a", 0, new byte[] { 2 }),
            IdempotencyKeys.OfBatch(caller, "a", 1, new byte[] { 3 }),
        };
        Assert.Equal(
            [("jwt::alice", "k:a#0", 1), ("jwt::alice", "b:a#0", 2), ("jwt::alice", "b:a#1", 3)],
            keys.Select(key => (key.Publisher, key.Key, (int)key.RequestHash.Span[0])));
        Assert.NotEqual(keys[0].Publisher, IdempotencyKeys.Own(Callers.User("bob"), "a#0", default).Publisher);
    }
}
