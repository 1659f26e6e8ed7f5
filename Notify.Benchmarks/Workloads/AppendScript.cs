using System.Globalization;
using System.Text.RegularExpressions;
using Notify.Benchmarks.Load;
using Notify.Storage;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// The product's own append as a script of pgbench: the same commands in one round trip, one transaction. Its arrays are
/// part of the prepared statements, so pgbench neither sends nor binds them: that is what the product has to do besides.
/// </summary>
internal static partial class AppendScript
{
    private const string NewBatch = "\\set batch random(1, 9223372036854775806)";
    private const string BatchId = "lpad(:batch::text, 32, '0')::uuid";

    /// <summary>What the product sets for its sessions: without it the planner goes other ways.</summary>
    public static string SessionOptions => Text("PostgresConnections", "ServerOptions");

    public static string Of(int rows, int topics, string content)
    {
        var names = Enumerable.Range(0, rows).Select(i => LoadTopics.Name(i % topics)).ToList();
        var bytes = Convert.ToHexStringLower(System.Text.Encoding.UTF8.GetBytes(content));
        string[] commands =
        [
            Sql("Lock"),
            Sql("AddTopics", Array("text", names.Distinct(StringComparer.Ordinal))),
            Sql("Insert",
                BatchId,
                $"(SELECT array_agg(gen_random_uuid()) FROM generate_series(1, {rows}))",
                Repeat("smallint", "0", rows),
                Array("text", names),
                Repeat("bytea", $"\"\\\\x{bytes}\"", rows),
                Repeat("bigint", "NULL", rows),
                Repeat("text", "NULL", rows),
                Repeat("text", "NULL", rows),
                Repeat("bytea", "NULL", rows)),
            Sql("ReadEpoch"),
            Sql("ReadRows", BatchId),
            Sql("ReadAnswers", Array("text", []), Array("text", [])),
        ];
        return $"{NewBatch}\n\\startpipeline\n{string.Join(";\n", commands)};\n\\endpipeline\n";
    }

    private static string Sql(string command, params string[] values) => Parameter().Replace(
        Text("PostgresAppendSql", command), found => values[int.Parse(found.ValueSpan[1..], CultureInfo.InvariantCulture) - 1]);

    /// <summary>By name: storage shows its insides to nobody but its tests, and a copy here would be of yesterday.</summary>
    private static string Text(string type, string name) =>
        (string)typeof(LogStore).Assembly.GetType("Notify.Storage.Postgres." + type, throwOnError: true)!.GetField(name)!.GetRawConstantValue()!;

    private static string Repeat(string type, string value, int rows) => Array(type, Enumerable.Repeat(value, rows));

    private static string Array(string type, IEnumerable<string> values) => $"'{{{string.Join(',', values)}}}'::{type}[]";

    [GeneratedRegex(@"\$\d+")]
    private static partial Regex Parameter();
}
