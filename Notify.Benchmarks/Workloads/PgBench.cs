using System.Diagnostics;
using System.Globalization;
using Notify.Benchmarks.Processes;
using Notify.Storage;
using Notify.Storage.Postgres;

namespace Notify.Benchmarks.Workloads;

/// <summary>What a script of pgbench stored.</summary>
internal sealed record PgBenchResult(string Name, double RowsPerSecond, double RowsPerCoreSecond, double Cpu);

/// <summary>The same Postgres without Notify, by pgbench: rows as the log keeps them, and the log's own append.</summary>
internal static class PgBench
{
    private const string Schema = """
        CREATE SEQUENCE versions;
        CREATE TABLE notifications (
            version bigint NOT NULL PRIMARY KEY DEFAULT nextval('versions'), id uuid NOT NULL DEFAULT gen_random_uuid(), kind smallint NOT NULL,
            topic_id bigint, name text COLLATE "C", topic_seq bigint NOT NULL,
            published_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(), expires_at timestamp with time zone, content bytea NOT NULL);
        CREATE INDEX notifications_id ON notifications (id);
        CREATE INDEX notifications_topic ON notifications (topic_id, version);
        """;

    private const string Columns = "notifications (kind, topic_id, topic_seq, content)";

    public static Task<PgBenchResult> SingleRowsAsync(Laboratory laboratory, int clients, int seconds) => RunAsync(
        laboratory, $"pgbench, single rows, {clients} clients", clients, seconds, 1, $"""
        \set topic random(1, 100)
        INSERT INTO {Columns} VALUES (0, :topic, 1, '{Content}');
        """);

    public static Task<PgBenchResult> BatchesAsync(Laboratory laboratory, int clients, int rows, int seconds) => RunAsync(
        laboratory, $"pgbench, {rows} rows a commit, {clients} clients", clients, seconds, rows, $"""
        INSERT INTO {Columns} SELECT 0, n % 100, n, '{Content}' FROM generate_series(1, {rows}) AS n;
        """);

    /// <summary>The fastest way into a table that Postgres has; from a file, so that no client has to send it.</summary>
    public static async Task<PgBenchResult> CopyAsync(Laboratory laboratory, int clients, int rows, int seconds)
    {
        var postgres = await laboratory.PostgresAsync();
        var lines = Enumerable.Range(0, rows).Select(n => string.Create(CultureInfo.InvariantCulture, $"0\t{n % 100}\t{n}\t{Content}\n"));
        var file = await postgres.FileAsync("rows", string.Concat(lines));
        return await RunAsync(laboratory, $"pgbench, COPY, {rows} rows a commit, {clients} clients", clients, seconds, rows, $"COPY {Columns} FROM '{file}';");
    }

    /// <summary>What the product sends for a batch, in the product's own tables.</summary>
    public static async Task<PgBenchResult> AppendsAsync(Laboratory laboratory, int clients, int rows, int topics, int seconds) => await RunAsync(
        laboratory, $"pgbench, the product's append, {rows} rows, {clients} clients", clients, seconds, rows, AppendScript.Of(rows, topics, Content),
            isOfProduct: true);

    /// <summary>A body of 256 bytes as the log keeps it.</summary>
    private static string Content => $$"""{"body":"{{new string('x', 256)}}"}""";

    private static async Task<PgBenchResult> RunAsync(Laboratory laboratory, string name, int clients, int seconds, int rows, string script,
        bool isOfProduct = false)
    {
        var postgres = await laboratory.PostgresAsync();
        await using var storage = await laboratory.NewStorageAsync("postgres");
        var database = storage.Database!;
        if (isOfProduct) await using (await LogStore.OpenAsync(new StorageOptions { Postgres = storage.ConnectionString }, CancellationToken.None)) { }
        else await PostgresInstance.ExecuteAsync(storage.ConnectionString!, Schema);
        var file = laboratory.File("script.sql");
        await File.WriteAllTextAsync(file, script);
        var options = isOfProduct ? PostgresConnections.ServerOptions : "";
        await postgres.PgBenchAsync(database, file, clients, 2, options);

        var (cpu, clock) = (CpuClock.OfFamily(postgres.ProcessId), Stopwatch.StartNew());
        var said = await postgres.PgBenchAsync(database, file, clients, seconds, options);
        var elapsed = clock.Elapsed.TotalSeconds;
        cpu = CpuClock.OfFamily(postgres.ProcessId) - cpu;
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
