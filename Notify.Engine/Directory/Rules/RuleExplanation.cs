using System.Text.Encodings.Web;
using System.Text.Json;

namespace Notify.Engine.Directory.Rules;

/// <summary>Which parts of a rule a user's attributes satisfy.</summary>
internal static class RuleExplanation
{
    private static readonly JsonSerializerOptions Unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Each comparison with its value, true, false or null for unknown; the whole rule first. A user without attributes satisfies nothing.</summary>
    public static IEnumerable<(string Part, bool? Value)> Of(string rule, string? attributes)
    {
        if (!RuleParser.TryParse(rule, out var parsed, out _)) return [];
        if (attributes is null) return [(rule, false)];
        using var document = JsonDocument.Parse(attributes);
        var root = document.RootElement.Clone();
        return parsed.Parts().Where(part => part.Below().Count == 0).Select(part => (Text(part), part.Evaluate(root))).Prepend((rule, parsed.Evaluate(root)));
    }

    private static string Text(Rule part) => part switch
    {
        Rule.Comparison comparison => $"{Text(comparison.Path)} {Text(comparison.Operator)} {comparison.Literal.Value.GetRawText()}",
        Rule.StartsWith starts => $"{Text(starts.Path)} starts with {JsonSerializer.Serialize(starts.Prefix, Unescaped)}",
        Rule.Exists exists => $"exists({Text(exists.Path)})",
        _ => throw new NotSupportedException(part.GetType().Name),
    };

    private static string Text(AttributePath path) =>
        "@" + string.Concat(path.Keys.Select(key =>
            key.All(char.IsAsciiLetterOrDigit) && !char.IsAsciiDigit(key[0]) ? $".{key}" : $".{JsonSerializer.Serialize(key, Unescaped)}"));

    private static string Text(ComparisonOperator comparison) => comparison switch
    {
        ComparisonOperator.Equal => "==",
        ComparisonOperator.NotEqual => "!=",
        ComparisonOperator.Less => "<",
        ComparisonOperator.LessOrEqual => "<=",
        ComparisonOperator.Greater => ">",
        _ => ">=",
    };
}
