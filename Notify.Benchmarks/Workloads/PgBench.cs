using System.Diagnostics;
using System.Globalization;
using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Workloads;

/// <summary>What a script of pgbench stored.</summary>
internal sealed record PgBenchResult(string Name, double RowsPerSecond, double RowsPerCoreSecond, double Cpu);

/// <summary>The same Postgres without Notify: rows as the log keeps them, by pgbench.</summary>
internal static class PgBench
{
    private const string Schema = """
        CREATE TABLE notifications (
            version bigint NOT NULL PRIMARY KEY, id uuid NOT NULL, kind smallint NOT NULL, topic_id bigint, name text COLLATE "C",
            topic_seq bigint NOT NULL, published_at timestamp with time zone NOT NULL, expires_at timestamp with time zone, content bytea NOT NULL);
        CREATE INDEX notifications_id ON notifications (id);
        CREATE INDEX notifications_topic ON notifications (topic_id, version);
        CREATE SEQUENCE versions;
        """;

    private const string Columns = "INSERT INTO notifications (version, id, kind, topic_id, topic_seq, published_at, content)";

    public static Task<PgBenchResult> SingleRowsAsync(Laboratory laboratory, int clients, int seconds) => RunAsync(
        laboratory, $"pgbench, single rows, {clients} clients", clients, seconds, 1, $"""
        \set topic random(1, 100)
        {Columns} VALUES (nextval('versions'), gen_random_uuid(), 0, :topic, 1, clock_timestamp(), '{Content}');
        """);

    public static Task<PgBenchResult> BatchesAsync(Laboratory laboratory, int clients, int rows, int seconds) => RunAsync(
        laboratory, $"pgbench, {rows} rows a commit, {clients} clients", clients, seconds, rows, $"""
        {Columns} SELECT nextval('versions'), gen_random_uuid(), 0, n % 100, n, clock_timestamp(), '{Content}' FROM generate_series(1, {rows}) AS n;
        """);

    /// <summary>A body of 256 bytes as the log keeps it.</summary>
    private static string Content => $$"""{"body":"{{new string('x', 256)}}"}""";

    private static async Task<PgBenchResult> RunAsync(Laboratory laboratory, string name, int clients, int seconds, int rows, string script)
    {
        var postgres = await laboratory.PostgresAsync();
        var database = await postgres.CreateDatabaseAsync();
        await PostgresInstance.ExecuteAsync(postgres.ConnectionString(database), Schema);
        var file = laboratory.File("script.sql");
        await File.WriteAllTextAsync(file, script);
        await postgres.PgBenchAsync(database, file, clients, 2);

        var (cpu, clock) = (CpuClock.OfFamily(postgres.ProcessId), Stopwatch.StartNew());
        var said = await postgres.PgBenchAsync(database, file, clients, seconds);
        var elapsed = clock.Elapsed.TotalSeconds;
        cpu = CpuClock.OfFamily(postgres.ProcessId) - cpu;
        await postgres.DropDatabaseAsync(database);
        var stored = Figure(said, "tps = ") * rows;
        return new PgBenchResult(name, stored, Figure(said, "number of transactions actually processed: ") * rows / cpu, cpu / elapsed);
    }

    private static double Figure(string said, string after)
    {
        var from = said.IndexOf(after, StringComparison.Ordinal) + after.Length;
        var to = said.IndexOfAny([' ', '\n', '/'], from);
        return double.Parse(said.AsSpan(from, to - from), CultureInfo.InvariantCulture);
    }
}
