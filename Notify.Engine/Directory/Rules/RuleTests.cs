using System.Text.Json;
using Notify.Storage.Directory;

namespace Notify.Engine.Directory.Rules;

/// <summary>A rule as the stores take it.</summary>
internal static class RuleTests
{
    public static RuleTest Of(Rule rule)
    {
        var path = JsonPath.Of(rule);
        return new RuleTest(path.Path, path.Vars, attributes => IsSatisfied(rule, attributes));
    }

    /// <summary>A user without attributes satisfies no rule; neither does one whose result is unknown.</summary>
    private static bool IsSatisfied(Rule rule, string? attributes)
    {
        if (attributes is null) return false;
        using var document = JsonDocument.Parse(attributes);
        return rule.Evaluate(document.RootElement) == true;
    }
}
