using System.Text.Encodings.Web;
using System.Text.Json;
using CsCheck;
using Notify.Engine.Directory.Rules;
using Notify.Tests.Fixtures;
using Npgsql;

namespace Notify.Tests.Rules;

/// <summary>The rule evaluated here and the rule given to Postgres say the same, for every attribute value: true, false and unknown.</summary>
public sealed class RulesOnPostgresTests(PostgresCluster cluster)
{
    private static readonly string[] Keys = ["a", "b", "self", "b-c", "é", "q\"uote", "back\\slash"];
    private static readonly string[] Texts = ["", "a", "ab", "b", "é", "\uE000", "😀", "it's", "\"", "\\", "true", "1"];
    private static readonly string[] Numbers =
        ["0", "-0", "0.0", "1", "1.0", "1e0", "10e-1", "-1", "0.1", "1e-1", "2", "12345678901234567890", "12345678901234567891", "1e27", "-1e-28"];

    private static readonly Gen<string> Scalar = Gen.OneOf(
        Of(Texts).Select(text => Json(text)), Of(Numbers), Of("true", "false", "null"));

    private static readonly Gen<string> Path = Of(Keys).Array[1, 3].Select(
        keys => "@" + string.Concat(keys.Select(key => "." + (key.All(char.IsAsciiLetter) ? key : Json(key)))));

    private static readonly Gen<string> Predicate = Gen.OneOf(
        Gen.Select(Path, Of("==", "!=", "<", "<=", ">", ">="), Scalar).Select((path, op, literal) => $"{path} {op} {literal}"),
        Gen.Select(Path, Scalar.Array[1, 3]).Select((path, literals) => $"{path} in [{string.Join(", ", literals)}]"),
        Gen.Select(Path, Of(Texts)).Select((path, text) => $"{path} starts with {Json(text)}"),
        Path.Select(path => $"exists({path})"));

    private static readonly Gen<string> RuleText = Gen.Recursive<string>((depth, rule) => depth > 3 ? Predicate : Gen.Frequency(
        (3, Predicate),
        (2, Gen.Select(rule, rule).Select((left, right) => $"({left}) && ({right})")),
        (2, Gen.Select(rule, rule).Select((left, right) => $"{left} || ({right})")),
        (1, rule.Select(negated => $"!({negated})"))));

    private static readonly Gen<string> Value = Gen.Recursive<string>((depth, value) => depth > 3 ? Scalar : Gen.Frequency(
        (3, Scalar),
        (2, value.Array[0, 3].Select(elements => $"[{string.Join(",", elements)}]")),
        (3, Members(value))));

    private static Gen<string> Of(params string[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    [Fact]
    public async Task Both_say_the_same()
    {
        await using var connection = await cluster.ConnectAsync(await cluster.CreateDatabaseAsync());
        await using var command = new NpgsqlCommand("SELECT jsonb_path_match($1::jsonb, $2::jsonpath, $3::jsonb)", connection)
        {
            Parameters = { new NpgsqlParameter<string>(), new NpgsqlParameter<string>(), new NpgsqlParameter<string>() },
        };
        var seen = new Dictionary<bool, int>();
        var unknown = 0;
        Gen.Select(RuleText, Members(Value)).Sample(
            (text, attributes) =>
            {
                Assert.True(RuleParser.TryParse(text, out var rule, out var problem), problem);
                var path = JsonPath.Of(rule);
                (command.Parameters[0].Value, command.Parameters[1].Value, command.Parameters[2].Value) = (attributes, path.Path, path.Vars);
                var theirs = command.ExecuteScalar() is bool value ? value : (bool?)null;
                using var document = JsonDocument.Parse(attributes);
                Assert.Equal(theirs, rule.Evaluate(document.RootElement));
                if (theirs is { } known) seen[known] = seen.GetValueOrDefault(known) + 1;
                else unknown++;
            },
            iter: 4000,
            threads: 1);

        Assert.True(seen[true] > 100 && seen[false] > 100 && unknown > 100, $"All three values: {seen[true]} true, {seen[false]} false, {unknown} unknown.");
    }

    private static Gen<string> Members(Gen<string> value) => Gen.Select(Of(Keys), value).Array[0, 4].Select(
        members => "{" + string.Join(",", members.DistinctBy(member => member.Item1).Select(member => $"{Json(member.Item1)}:{member.Item2}")) + "}");

    private static string Json(string text) => JsonSerializer.Serialize(text, Unescaped);

    private static readonly JsonSerializerOptions Unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
