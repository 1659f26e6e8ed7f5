using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Notify.Engine.Directory.Rules;

/// <summary>A rule as Postgres takes it: <c>jsonb_path_match(attributes, path, vars)</c>. Literals are variables, so nothing of a rule is ever code.</summary>
/// <param name="Path">The <c>jsonpath</c>.</param>
/// <param name="Vars">A JSON object with the literals.</param>
internal sealed record JsonPath(string Path, string Vars)
{
    private static readonly JsonSerializerOptions Unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonPath Of(Rule rule)
    {
        var writer = new Writer();
        writer.Write(rule);
        return writer.Done();
    }

    private sealed class Writer
    {
        private readonly StringBuilder _path = new();
        private readonly Dictionary<string, JsonElement> _vars = [];

        public JsonPath Done() => new(_path.ToString(), JsonSerializer.Serialize(_vars));

        public void Write(Rule rule)
        {
            switch (rule)
            {
                case Rule.Or or:
                    Join(or.Any, " || ");
                    break;
                case Rule.And and:
                    Join(and.All, " && ");
                    break;
                case Rule.Not not:
                    _path.Append("!(");
                    Write(not.Negated);
                    _path.Append(')');
                    break;
                case Rule.Exists exists:
                    _path.Append("exists(");
                    Write(exists.Path);
                    _path.Append(')');
                    break;
                case Rule.Comparison comparison:
                    Write(comparison.Path);
                    _path.Append(comparison.Operator switch
                    {
                        ComparisonOperator.Equal => " == ",
                        ComparisonOperator.NotEqual => " != ",
                        ComparisonOperator.Less => " < ",
                        ComparisonOperator.LessOrEqual => " <= ",
                        ComparisonOperator.Greater => " > ",
                        _ => " >= ",
                    });
                    Write(comparison.Literal.Value);
                    break;
                case Rule.StartsWith starts:
                    Write(starts.Path);
                    _path.Append(" starts with ");
                    Write(JsonSerializer.SerializeToElement(starts.Prefix));
                    break;
                default:
                    throw new NotSupportedException(rule.GetType().Name);
            }
        }

        private void Join(IReadOnlyList<Rule> rules, string with)
        {
            for (var i = 0; i < rules.Count; i++)
            {
                if (i > 0) _path.Append(with);
                _path.Append('(');
                Write(rules[i]);
                _path.Append(')');
            }
        }

        private void Write(AttributePath path)
        {
            _path.Append('$');
            foreach (var key in path.Keys) _path.Append('.').Append(JsonSerializer.Serialize(key, Unescaped)); // jsonpath takes JSON's strings as keys
        }

        private void Write(JsonElement literal)
        {
            var name = "v" + _vars.Count.ToString(CultureInfo.InvariantCulture);
            _vars[name] = literal;
            _path.Append("$\"").Append(name).Append('"');
        }
    }
}
