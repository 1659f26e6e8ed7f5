using System.Text.Json;
using Notify.Engine.Directory.Rules;

namespace Notify.Tests.Rules;

public class RuleParserTests
{
    [Theory]
    [InlineData("@.dept == 'sales'", """{"dept":"sales"}""", true)]
    [InlineData("@.dept == \"sales\"", """{"dept":"market"}""", false)]
    [InlineData("@.\"b-c\".x >= 2", """{"b-c":{"x":2}}""", true)]
    [InlineData("@.dept in ['a', 'b'] && !(@.level < 3)", """{"dept":"b","level":3}""", true)]
    [InlineData("@.dept in ['a']", """{"dept":"b"}""", false)]
    [InlineData("@.name starts with 'Al'", """{"name":"Alice"}""", true)]
    [InlineData("exists(@.x)", """{"x":null}""", true)]
    [InlineData("exists(@.x)", """{}""", false)]
    [InlineData("!exists(@.x)", """{}""", true)]
    [InlineData("!(@.x == 1)", """{}""", true)]
    [InlineData("@.x != 1", """{}""", false)]
    [InlineData("@.x == 1", """{"x":"1"}""", null)]
    [InlineData("!(@.x == 1)", """{"x":"1"}""", null)]
    [InlineData("@.x != null", """{"x":1}""", true)]
    [InlineData("@.x == null", """{"x":1}""", false)]
    [InlineData("@.x == null", """{"x":null}""", true)]
    [InlineData("@.x < true", """{"x":false}""", true)]
    [InlineData("@.x == 1", """{"x":[3,"1",1]}""", true)]
    [InlineData("@.x == 1", """{"x":[]}""", false)]
    [InlineData("@.x == 1", """{"x":[[1]]}""", null)]
    [InlineData("@.a.b == 1", """{"a":[{"b":2},{"b":[1]}]}""", true)]
    [InlineData("@.x == 0.1", """{"x":1e-1}""", true)]
    [InlineData("@.x == 12345678901234567890", """{"x":12345678901234567891}""", false)]
    [InlineData("@.x > '\uE000'", """{"x":"😀"}""", true)]
    [InlineData("@.a == 1 || @.b == 1 && @.c == 1", """{"a":1}""", true)]
    [InlineData("(@.a == 1 || @.b == 1) && @.c == 1", """{"a":1}""", false)]
    [InlineData("  @.a==1||@.b==2  ", """{"b":2}""", true)]
    [InlineData("@.a == 'it\\'s \\u00e9'", """{"a":"it's é"}""", true)]
    public void Says_what_the_rule_says(string text, string attributes, bool? expected)
    {
        Assert.True(RuleParser.TryParse(text, out var rule, out var problem), problem);
        using var document = JsonDocument.Parse(attributes);
        Assert.Equal(expected, rule.Evaluate(document.RootElement));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("dept == 1", "position 1:")]
    [InlineData("@ == 1", "position 3:")]
    [InlineData("@.", "position 3:")]
    [InlineData("@.a", "position 4:")]
    [InlineData("@.a = 1", "position 5:")]
    [InlineData("@.a == ", "position 8:")]
    [InlineData("@.a == @.b", "position 8:")]
    [InlineData("1 == @.a", "position 1:")]
    [InlineData("@.a == 1 &&", "position 12:")]
    [InlineData("@.a == 1 & @.b == 1", "position 10:")]
    [InlineData("(@.a == 1", "position 10:")]
    [InlineData("@.a == 1)", "position 9:")]
    [InlineData("!@.a == 1", "position 2:")]
    [InlineData("@.a == 'x", "position 8:")]
    [InlineData("@.a == 'x\\q'", "position 10:")]
    [InlineData("@.a in []", "position 9:")]
    [InlineData("@.a in ['x' 'y']", "position 13:")]
    [InlineData("@.a starts 'x'", "position 12:")]
    [InlineData("@.a == 1.", "position 8:")]
    [InlineData("@.a == 01", "position 8:")]
    [InlineData("@.a == 12345678901234567890123456789", "position 8:")]
    [InlineData("@.a == 1e29", "position 8:")]
    [InlineData("@.a like_regex 'x'", "position 5:")]
    [InlineData("@.a == tru", "position 8:")]
    [InlineData("exists(1)", "position 8:")]
    [InlineData("@.a == '\\ud800'", "position 8:")]
    [InlineData("@.1a == 1", "position 3:")]
    public void A_refusal_names_the_position(string text, string place)
    {
        Assert.False(RuleParser.TryParse(text, out _, out var problem));
        Assert.Contains(place, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_length_and_comparisons_are_bounded()
    {
        Assert.True(Parses(Nested(RuleParser.MostLevels)));
        Assert.False(Parses(Nested(RuleParser.MostLevels + 1)));
        Assert.False(Parses(Nested(900)));
        Assert.True(Parses(Listed(RuleParser.MostComparisons)));
        Assert.False(Parses(Listed(RuleParser.MostComparisons + 1)));
        Assert.True(Parses($"@.a == '{new string('x', RuleParser.MostBytes - 9)}'"));
        Assert.False(Parses($"@.a == '{new string('x', RuleParser.MostBytes - 8)}'"));
        Assert.True(Parses("@.a == '" + new string('(', 100) + "'")); // not parentheses of the rule

        static bool Parses(string text) => RuleParser.TryParse(text, out _, out _);
        static string Nested(int levels) => new string('(', levels) + "@.a == 1" + new string(')', levels);
        static string Listed(int elements) => "@.a in [" + string.Join(',', Enumerable.Range(0, elements)) + "]";
    }

    [Fact]
    public void Knows_which_attributes_it_depends_on()
    {
        Assert.True(RuleParser.TryParse("@.a.x == 1 || exists(@.b) && !(@.\"c\" starts with 'x')", out var rule, out _));
        Assert.Equal(["a", "b", "c"], rule.Attributes.Order());
    }
}
