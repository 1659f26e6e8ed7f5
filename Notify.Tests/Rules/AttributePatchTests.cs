using System.Text.Json;
using Notify.Contracts;
using Notify.Engine.Directory.Attributes;

namespace Notify.Tests.Rules;

public sealed class AttributePatchTests
{
    /// <summary>RFC 7396, appendix A: those whose documents are objects.</summary>
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", "{}")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    [InlineData("""{"self":{"x":1},"a":1}""", """{"a":{"n":[null,-0.0,{"z":null}]}}""", """{"self":{"x":1},"a":{"n":[null,0,{"z":null}]}}""")]
    public void Merges_as_RFC_7396_has_it(string before, string patch, string after) =>
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(after), Apply(before, patch).Shown));

    [Theory]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"a":[{"b":1,"\u0062":2}]}""")]
    [InlineData("""{"a":"\u0000"}""")]
    [InlineData("""{"a\u0000":1}""")]
    [InlineData("""{"a":["\ud800"]}""")]
    [InlineData("""{"\udc00":1}""")]
    [InlineData("""{"a":12345678901234567890123456789}""")]
    [InlineData("""{"a":1e28}""")]
    [InlineData("""{"a":1e-29}""")]
    [InlineData("""{"self":{}}""")]
    [InlineData("""{"self":null}""")]
    [InlineData("""{"\u0073elf":1}""")]
    public void Refuses_what_no_attributes_may_have(string patch) =>
        Assert.Equal(ErrorCodes.InvalidRequest, AttributePatch.Check(JsonElement.Parse(patch), AttributesPart.Others)?.Code);

    [Fact]
    public void What_a_user_says_of_itself_stays_below_self()
    {
        var (patched, _) = AttributePatch.Apply("""{"dept":"it","self":{"x":1}}""", JsonElement.Parse("""{"dept":"sales","x":null,"self":{"dept":"sales"}}"""), AttributesPart.Self);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse("""{"dept":"it","self":{"dept":"sales","self":{"dept":"sales"}}}"""), JsonElement.Parse(patched!.Json!)));
        Assert.Equal(["self"], patched.Changed);
        Assert.Null(AttributePatch.Apply("""{"self":{"x":1}}""", JsonElement.Parse("""{"x":null}"""), AttributesPart.Self).Patched!.Json);
    }

    [Theory]
    [InlineData(false, 8, 16 * 1024)]
    [InlineData(true, 8, 8 * 1024)]
    public void Counts_levels_and_bytes_of_its_part(bool isSelf, int levels, int bytes)
    {
        var part = isSelf ? AttributesPart.Self : AttributesPart.Others;
        static string Nested(int levels) => string.Concat(Enumerable.Repeat("""{"a":""", levels - 1)) + "{}" + new string('}', levels - 1);
        static string Sized(int bytes) => $$"""{"a":"{{new string('x', bytes - 8)}}"}""";
        var other = part == AttributesPart.Self ? Sized(16 * 1024) : null;
        Assert.NotNull(AttributePatch.Apply(other, JsonElement.Parse(Nested(levels)), part).Patched);
        Assert.Equal(ErrorCodes.InvalidRequest, AttributePatch.Apply(other, JsonElement.Parse(Nested(levels + 1)), part).Refusal?.Code);
        Assert.NotNull(AttributePatch.Apply(other, JsonElement.Parse(Sized(bytes)), part).Patched);
        Assert.Equal(ErrorCodes.InvalidRequest, AttributePatch.Apply(other, JsonElement.Parse(Sized(bytes + 1)), part).Refusal?.Code);
    }

    private static PatchedAttributes Apply(string before, string patch)
    {
        Assert.Null(AttributePatch.Check(JsonElement.Parse(patch), AttributesPart.Others));
        return AttributePatch.Apply(before, JsonElement.Parse(patch), AttributesPart.Others).Patched!;
    }
}
