using System.Security.Cryptography;
using System.Text;
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

    [Theory]
    [InlineData(null, null, null, null)]
    [InlineData(null, "own", null, null)]
    [InlineData(null, "own", 0, null)]
    [InlineData("header", null, null, null)]
    [InlineData("header", "header", null, null)]
    [InlineData("header", "own", null, "differ")]
    [InlineData("header", null, 0, null)]
    [InlineData("header", "header", 0, "stands for every item")]
    [InlineData("header", "own", 0, "stands for every item")]
    [InlineData("", null, null, "1 to 255")]
    public void Header_and_member_may_not_say_different_things(string? header, string? own, int? item, string? problem)
    {
        var refusal = IdempotencyKeys.Check(Call(header), Command(own), item);
        if (problem is null) Assert.Null(refusal);
        else Assert.Contains(problem, refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_is_no_key_for_what_is_not_stored() =>
        Assert.Contains("ephemeral", IdempotencyKeys.Check(Call("header"), Command(null) with { Ephemeral = true }, item: null)!.Detail,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("a#0", null, null, "k:a#0")]
    [InlineData(null, "a#0", null, "k:a#0")]
    [InlineData(null, "a#0", 1, "k:a#0")]
    [InlineData("a", null, 0, "b:a#0")]
    [InlineData("a", null, 11, "b:a#11")]
    [InlineData(null, null, 1, null)]
    public void Keys_of_requests_and_of_a_batchs_items_live_apart(string? header, string? own, int? item, string? key)
    {
        var made = IdempotencyKeys.Of(Call(header), Command(own), item, "{}"u8);
        Assert.Equal((key, key is null ? null : "jwt::alice"), (made?.Key, made?.Publisher));
    }

    [Fact]
    public void The_call_and_every_byte_of_the_body_tell_requests_apart()
    {
        Assert.Equal(SHA256.HashData("POST /a\n{}"u8), Hash("POST /a", "{}"));
        Assert.NotEqual(Hash("POST /a", "{}"), Hash("POST /b", "{}"));
        Assert.NotEqual(Hash("POST /a", "{}"), Hash("POST /a", "{ }"));
        Assert.NotEqual(Hash("a", "bc"), Hash("ab", "c"));
    }

    private static byte[] Hash(string call, string body) =>
        IdempotencyKeys.Of(Call("key") with { Name = call }, Command(null), item: null, Encoding.UTF8.GetBytes(body))!.RequestHash.ToArray();

    private static PublishCall Call(string? header) => new("POST /a", Callers.User("alice"), header);

    private static PublishCommand Command(string? key) => new("t", "{}"u8.ToArray(), null, false, key);
}
