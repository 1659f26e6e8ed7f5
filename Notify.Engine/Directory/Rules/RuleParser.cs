using System.Globalization;
using System.Text;
using System.Text.Json;
using Parlot;
using Parlot.Fluent;
using static Parlot.Fluent.Parsers;

namespace Notify.Engine.Directory.Rules;

/// <summary>Reads a rule. A refusal names the position, counted in characters from 1.</summary>
internal static class RuleParser
{
    /// <summary>UTF-8 bytes of a rule.</summary>
    public const int MostBytes = 2000;

    /// <summary><c>(</c>, <c>!(</c> and <c>exists(</c> within one another.</summary>
    public const int MostLevels = 32;

    /// <summary>Comparisons, each element of <c>in</c> counted as one.</summary>
    public const int MostComparisons = 64;

    private static readonly Parser<Rule> Grammar = Make();

    public static bool TryParse(string text, out Rule rule, out string problem)
    {
        rule = null!;
        problem = Bounds(text) ?? "";
        if (problem.Length > 0) return false;
        var context = new ParseContext(new Scanner(text));
        if (!Grammar.TryParse(context, out var parsed, out var error))
        {
            var (message, offset) = error is null
                ? ("expected a comparison such as @.dept == 'sales', exists(@.x), '!' or '('", context.Scanner.Cursor.Offset)
                : (error.Message ?? "expected a comparison", error.Position.Offset);
            problem = At(text, offset, message);
            return false;
        }

        var end = SkipWhiteSpace(text, context.Scanner.Cursor.Offset);
        if (end < text.Length)
        {
            problem = At(text, end, "expected '&&', '||' or the end of the rule");
            return false;
        }

        if (Comparisons(parsed) > MostComparisons)
        {
            problem = $"The rule has more than {MostComparisons} comparisons; an element of 'in' counts as one.";
            return false;
        }

        rule = parsed;
        return true;
    }

    private static Parser<Rule> Make()
    {
        var key = OneOf(
            Literals.Pattern(IsKeyPart, minSize: 1).When((_, span) => !char.IsAsciiDigit(span.Span[0])).Then(span => span.ToString()),
            new StringLiteral(['"'], isTerm: false)).ElseError("expected a name, or one in double quotes, after '.'");
        var path = Terms.Char('@').SkipAnd(OneOrMany(Literals.Char('.').SkipAnd(key)).ElseError("expected '.' and a name after '@'"))
            .Then(keys => new AttributePath([.. keys]));

        var text = new StringLiteral(['"', '\''], isTerm: true);
        var literal = OneOf(
            text.Then(value => new Literal(JsonSerializer.SerializeToElement(value))),
            new NumberLiteral(),
            Word("true").Then(_ => new Literal(JsonSerializer.SerializeToElement(true))),
            Word("false").Then(_ => new Literal(JsonSerializer.SerializeToElement(false))),
            Word("null").Then(_ => new Literal(JsonSerializer.SerializeToElement<object?>(null))))
            .ElseError("expected a string, a number, true, false or null");

        var operators = OneOf(
            Terms.Text("==").Then(ComparisonOperator.Equal),
            Terms.Text("!=").Then(ComparisonOperator.NotEqual),
            Terms.Text("<=").Then(ComparisonOperator.LessOrEqual),
            Terms.Text(">=").Then(ComparisonOperator.GreaterOrEqual),
            Terms.Text("<").Then(ComparisonOperator.Less),
            Terms.Text(">").Then(ComparisonOperator.Greater));
        var compared = operators.And(literal).Then(Func<AttributePath, Rule> (right) => path => new Rule.Comparison(path, right.Item1, right.Item2));
        var list = Terms.Char('[').ElseError("expected '[' after 'in'")
            .SkipAnd(Separated(Terms.Char(','), literal))
            .AndSkip(Terms.Char(']').ElseError("expected ',' or ']'"));
        var isIn = Word("in").SkipAnd(list).Then(Func<AttributePath, Rule> (values) => path => values.Count == 1
            ? new Rule.Comparison(path, ComparisonOperator.Equal, values[0])
            : new Rule.Or([.. values.Select(value => new Rule.Comparison(path, ComparisonOperator.Equal, value))]));
        var starts = Word("starts").SkipAnd(Word("with").ElseError("expected 'with' after 'starts'"))
            .SkipAnd(text.ElseError("expected a string after 'starts with'"))
            .Then(Func<AttributePath, Rule> (prefix) => path => new Rule.StartsWith(path, prefix));
        var comparison = path.And(OneOf(compared, isIn, starts).ElseError("expected ==, !=, <, <=, >, >=, 'in' or 'starts with'"))
            .Then(both => both.Item2(both.Item1));

        var rule = Deferred<Rule>();
        var close = Terms.Char(')').ElseError("expected '&&', '||' or ')'");
        var nested = Terms.Char('(').SkipAnd(rule.ElseError("expected a comparison")).AndSkip(close);
        var exists = Word("exists").SkipAnd(Terms.Char('(').ElseError("expected '(' after 'exists'"))
            .SkipAnd(path.ElseError("expected a path such as @.x")).AndSkip(close)
            .Then<Rule>(inner => new Rule.Exists(inner));
        var not = Terms.Char('!').SkipAnd(OneOf(nested, exists).ElseError("'!' stands before a parenthesis or exists: !(@.x == 1)"))
            .Then<Rule>(negated => new Rule.Not(negated));
        var one = OneOf(not, exists, nested, comparison);
        var more = one.ElseError("expected a comparison");
        var and = one.And(ZeroOrMany(Terms.Text("&&").SkipAnd(more)))
            .Then(all => all.Item2.Count == 0 ? all.Item1 : new Rule.And([all.Item1, .. all.Item2]));
        var andMore = and.ElseError("expected a comparison");
        rule.Parser = and.And(ZeroOrMany(Terms.Text("||").SkipAnd(andMore)))
            .Then(any => any.Item2.Count == 0 ? any.Item1 : new Rule.Or([any.Item1, .. any.Item2]));
        return rule;
    }

    private static Parser<string> Word(string word) => Terms.Text(word).WhenNotFollowedBy(Literals.Pattern(IsKeyPart, minSize: 1));

    private static bool IsKeyPart(char c) => char.IsAsciiLetterOrDigit(c) || c == '_' || c > '\x7f';

    private static int Comparisons(Rule rule) => rule.Parts().Count(part => part is Rule.Comparison or Rule.StartsWith or Rule.Exists);

    /// <summary>What is checked before parsing: the parser calls itself for every level.</summary>
    private static string? Bounds(string text)
    {
        if (string.IsNullOrWhiteSpace(text)) return "A rule is a comparison such as @.dept == 'sales'; leave 'rule' out for a static group.";
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\0') return At(text, i, "NUL is not allowed");
            if (!char.IsSurrogate(text[i])) continue;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
                return At(text, i, "an unpaired surrogate is not allowed");
            i++;
        }

        if (Encoding.UTF8.GetByteCount(text) > MostBytes) return $"The rule is longer than {MostBytes} bytes.";
        var levels = 0;
        char? quote = null;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quote is not null)
            {
                if (c == '\\') i++;
                else if (c == quote) quote = null;
            }
            else if (c is '"' or '\'') quote = c;
            else if (c == ')') levels--;
            else if (c == '(' && ++levels > MostLevels) return At(text, i, $"more than {MostLevels} levels of parentheses");
        }

        return null;
    }

    private static int SkipWhiteSpace(string text, int from)
    {
        while (from < text.Length && char.IsWhiteSpace(text[from])) from++;
        return from;
    }

    private static string At(string text, int offset, string message)
    {
        var position = SkipWhiteSpace(text, Math.Min(offset, text.Length)) + 1;
        return $"The rule cannot be read at position {position.ToString(CultureInfo.InvariantCulture)}: {message}.";
    }

    /// <summary>A string with JSON's escapes (RFC 8259 §7), in either quote.</summary>
    private sealed class StringLiteral(char[] quotes, bool isTerm) : Parser<string>
    {
        public override bool Parse(ParseContext context, ref ParseResult<string> result)
        {
            if (isTerm) context.SkipWhiteSpace();
            var cursor = context.Scanner.Cursor;
            var start = cursor.Position;
            var quote = cursor.Current;
            if (cursor.Eof || !quotes.Contains(quote)) return false;
            var text = context.Scanner.Buffer;
            var value = new StringBuilder();
            for (var i = start.Offset + 1; i < text.Length; i++)
            {
                var c = text[i];
                if (c == quote)
                {
                    cursor.Advance(i + 1 - start.Offset);
                    RequireText(value.ToString(), start);
                    result.Set(start.Offset, i + 1, value.ToString());
                    return true;
                }

                if (c < ' ') throw new ParseException("a control character in a string is written as an escape", Place(start, i));
                if (c != '\\')
                {
                    value.Append(c);
                    continue;
                }

                var escape = i + 1 < text.Length ? text[i + 1] : '\0';
                switch (escape)
                {
                    case '"' or '\'' or '\\' or '/': value.Append(escape); break;
                    case 'b': value.Append('\b'); break;
                    case 'f': value.Append('\f'); break;
                    case 'n': value.Append('\n'); break;
                    case 'r': value.Append('\r'); break;
                    case 't': value.Append('\t'); break;
                    case 'u' when i + 6 <= text.Length
                        && ushort.TryParse(text.AsSpan(i + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit):
                        value.Append((char)unit);
                        i += 4;
                        break;
                    default: throw new ParseException("an escape that JSON does not have", Place(start, i));
                }

                i++;
            }

            throw new ParseException("the string has no end", start);
        }

        private static void RequireText(string value, TextPosition start)
        {
            if (value.Contains('\0') || !value.HasOnlyPairs()) throw new ParseException("NUL and unpaired surrogates are not allowed", start);
        }
    }

    /// <summary>A JSON number that fits a decimal exactly.</summary>
    private sealed class NumberLiteral : Parser<Literal>
    {
        public override bool Parse(ParseContext context, ref ParseResult<Literal> result)
        {
            context.SkipWhiteSpace();
            var cursor = context.Scanner.Cursor;
            var start = cursor.Position;
            var text = context.Scanner.Buffer;
            if (cursor.Eof || (cursor.Current != '-' && !char.IsAsciiDigit(cursor.Current))) return false;
            var end = start.Offset;
            while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '.' or '-' or '+')) end++;
            var number = text[start.Offset..end];
            JsonElement value;
            try
            {
                using var document = JsonDocument.Parse(number);
                value = document.RootElement.Clone();
            }
            catch (JsonException)
            {
                throw new ParseException($"'{number}' is no number as JSON writes them", start);
            }

            if (!AttributeNumbers.TryRead(number, out _)) throw new ParseException($"a number has at most {AttributeNumbers.Digits} digits", start);
            cursor.Advance(end - start.Offset);
            result.Set(start.Offset, end, new Literal(value));
            return true;
        }
    }

    private static TextPosition Place(TextPosition start, int offset) => new(offset, start.Line, start.Column + offset - start.Offset);

    private static bool HasOnlyPairs(this string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (!char.IsSurrogate(value[i])) continue;
            if (!char.IsHighSurrogate(value[i]) || i + 1 == value.Length || !char.IsLowSurrogate(value[i + 1])) return false;
            i++;
        }

        return true;
    }
}
