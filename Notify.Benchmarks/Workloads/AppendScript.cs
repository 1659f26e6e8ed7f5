using System.Globalization;
using System.Text.RegularExpressions;
using Notify.Benchmarks.Load;
using Notify.Storage.Postgres;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// The product's own append as a script of pgbench: the same two commands in one round trip, one transaction, as a lone
/// writer that knows its topics sends them. Its arrays are part of the prepared statement, so pgbench neither sends nor
/// binds them: that is what the product has to do besides.
/// </summary>
internal static partial class AppendScript
{
    private const string NewBatch = "\\set batch random(1, 9223372036854775806)";
    private const string BatchId = "lpad(:batch::text, 32, '0')::uuid";
    private const string Epoch = "(SELECT epoch FROM log_head)";
    private const string KnownHead = "(SELECT coalesce(max(last_version), 0) FROM appends)";

    private const string LastChange = "(SELECT coalesce(max(last_change), 0) FROM appends)";
    private const string TopicsRemoved = "(SELECT topics_removed FROM log_head)";

    public static string Of(int rows, int topics, string content)
    {
        var bytes = Convert.ToHexStringLower(System.Text.Encoding.UTF8.GetBytes(content));
        string[] values =
        [
            BatchId,
            Epoch,
            KnownHead,
            $"(SELECT array_agg(gen_random_uuid()) FROM generate_series(1, {rows}))",
            Array("smallint", rows, _ => "0"),
            Array("bigint", topics, i => Number(1 + i)),
            Array("bigint", topics, _ => "0"),
            Array("integer", rows, i => Number(1 + (i % topics))),
            Array("bigint", rows, i => Number(1 + (i / topics))),
            Array("bytea", rows, _ => $"\"\\\\x{bytes}\""),
            Array("text", rows, i => LoadTopics.Name(i % topics)),
            Array("bigint", rows, _ => "NULL"),
            Array("text", rows, _ => "NULL"),
            Array("text", rows, _ => "NULL"),
            Array("bytea", rows, _ => "NULL"),
            LastChange,
            TopicsRemoved,
        ];
        return $"{NewBatch}\n\\startpipeline\n{PostgresAppendSql.Lock};\n{Filled(PostgresAppendSql.Insert, values)};\n\\endpipeline\n";
    }

    private static string Filled(string sql, string[] values)
    {
        var taken = Parameter().Matches(sql).Max(found => int.Parse(found.ValueSpan[1..], CultureInfo.InvariantCulture));
        if (taken != values.Length)
            throw new InvalidOperationException($"The product's append takes {taken} parameters and its script gives {values.Length}: " +
                $"{nameof(AppendScript)} must follow.");
        return Parameter().Replace(sql, found => values[int.Parse(found.ValueSpan[1..], CultureInfo.InvariantCulture) - 1]);
    }

    private static string Array(string type, int rows, Func<int, string> value) =>
        $"'{{{string.Join(',', Enumerable.Range(0, rows).Select(value))}}}'::{type}[]";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\$\d+")]
    private static partial Regex Parameter();
}
