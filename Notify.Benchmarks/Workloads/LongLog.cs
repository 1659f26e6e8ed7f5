using Notify.Benchmarks.Processes;
using Notify.Storage;
using Notify.Storage.Log;
using Npgsql;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// A log on Postgres as it is after a long time, written by the database itself: what publishing ten million would leave
/// in minutes and not in hours. Topic after topic, the last day's worth. Partitions and what is settled of them are the
/// product's own doing, and the contents those of notifications that a server stored.
/// </summary>
internal static class LongLog
{
    private const int RowsAStep = 500_000;
    private const int RowsAnAppend = 100;

    /// <summary>Younger than any retention, and than what is kept for repeats of an append.</summary>
    private const string Span = "interval '20 hours'";

    private const string Topics = """
        INSERT INTO topics (id, name) SELECT number + 1, $2 || number FROM generate_series(0, $1 - 1) AS number;
        """;

    private const string NextTopicId = "SELECT setval(pg_get_serial_sequence('topics', 'id'), $1)";

    /// <summary>Ids as the product makes them: version 7, so rising with time.</summary>
    private const string Rows = $"""
        INSERT INTO notifications (version, id, kind, topic_id, topic_seq, published_at, content)
        SELECT version,
               (substr(stamp, 1, 8) || '-' || substr(stamp, 9, 4) || '-7' || substr(gen_random_uuid()::text, 16))::uuid,
               0, (version - 1) % $4 + 1, (version - 1) / $4 + 1, at, $5
        FROM (SELECT version, at, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS stamp
              FROM (SELECT version, now() - {Span} * (1 - version::float8 / $3) AS at
                    FROM generate_series($1, $2) AS version) AS timed) AS stamped
        """;

    private const string Appends = $"""
        INSERT INTO appends (last_version, first_version, batch_id, appended_at)
        SELECT last, last - $4 + 1, gen_random_uuid(), now() - {Span} * (1 - last::float8 / $3)
        FROM generate_series($1 + $4 - 1, $2, $4) AS last
        """;

    /// <summary>A new database with so many notifications; each topic has as many as any other.</summary>
    public static async Task<Storage> WriteAsync(Laboratory laboratory, long rows, int topics)
    {
        if (rows % topics != 0 || rows % RowsAnAppend != 0) throw new ArgumentException($"--rows must be a multiple of {topics} (topics) and of {RowsAnAppend}.");
        var content = await StoredContentAsync(laboratory);
        var storage = await laboratory.NewStorageAsync("postgres");
        await using var log = await LogStore.OpenAsync(new StorageOptions { Postgres = storage.ConnectionString }, CancellationToken.None);
        await using var connection = new NpgsqlConnection(storage.ConnectionString + ";Pooling=false;Command Timeout=600");
        await connection.OpenAsync();
        await ExecuteAsync(connection, Topics, topics, Load.LoadTopics.Prefix);
        await ExecuteAsync(connection, NextTopicId, (long)topics);
        for (long from = 1; from <= rows; from += RowsAStep)
        {
            var to = Math.Min(from + RowsAStep - 1, rows);
            await using (var transaction = await connection.BeginTransactionAsync())
            {
                await ExecuteAsync(connection, Rows, from, to, rows, (long)topics, content);
                await ExecuteAsync(connection, Appends, from, to, rows, (long)RowsAnAppend);
                await transaction.CommitAsync();
            }

            await log.SweepAsync(TimeSpan.FromDays(30), CancellationToken.None); // makes the next partitions, settles the full ones
        }

        // What the database would do by itself in the middle of a measurement.
        await ExecuteAsync(connection, "VACUUM (ANALYZE)");
        await ExecuteAsync(connection, "CHECKPOINT");
        return storage;
    }

    private static async Task<byte[]> StoredContentAsync(Laboratory laboratory)
    {
        await using var storage = await laboratory.NewStorageAsync("postgres");
        await using var server = await storage.StartServerAsync();
        await Filling.PublishAsync(server, Filling.Batch, topics: 1);
        await using var log = await LogStore.OpenAsync(new StorageOptions { Postgres = storage.ConnectionString }, CancellationToken.None);
        var page = await log.ReadAsync(0, 1, int.MaxValue, CancellationToken.None);
        return page.Entries[0].Content.ToArray();
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, params object[] values)
    {
#pragma warning disable CA2100 // the tool's own words
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        await command.ExecuteNonQueryAsync();
    }
}
