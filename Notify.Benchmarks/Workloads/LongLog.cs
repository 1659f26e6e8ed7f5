using Notify.Benchmarks.Load;
using Notify.Storage;
using Notify.Storage.Log;
using Npgsql;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// A log on Postgres as it is after a long time, written by the database itself: what publishing ten million would leave
/// in minutes and not in hours. Topic after topic. Partitions and what is settled of them are the
/// product's own doing, and the contents those of notifications that a server stored.
/// </summary>
internal sealed class LongLog(Storage storage, int topics, byte[] content) : IAsyncDisposable
{
    private const int RowsAStep = 500_000;
    private const int RowsAnAppend = 100;

    private const string Topics = """
        INSERT INTO topics (id, name) SELECT number + 1, $2 || number FROM generate_series(0, $1 - 1) AS number;
        """;

    private const string NextTopicId = "SELECT setval(pg_get_serial_sequence('topics', 'id'), $1)";

    /// <summary>Ids as the product makes them: version 7, so rising with time.</summary>
    private const string Rows = """
        INSERT INTO notifications (version, id, kind, topic_id, topic_seq, published_at, content)
        SELECT $1 + number,
               (substr(stamp, 1, 8) || '-' || substr(stamp, 9, 4) || '-7' || substr(gen_random_uuid()::text, 16))::uuid,
               0, ($3 + number - 1) % $4 + 1, ($3 + number - 1) / $4 + 1, at, $5
        FROM (SELECT number, at, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS stamp
              FROM (SELECT number, date_trunc('milliseconds', clock_timestamp()) AS at FROM generate_series(1, $2) AS number) AS timed) AS stamped
        """;

    private const string Appends = """
        INSERT INTO appends (last_version, first_version, batch_id, appended_at)
        SELECT $1 + last, $1 + last - $3 + 1, gen_random_uuid(), clock_timestamp() FROM generate_series($3, $2, $3) AS last
        """;

    private const string ReadSettings = "SELECT pg_reload_conf()";

    private long _written;

    public Storage Storage => storage;

    /// <summary>An empty log on a new database, with its topics.</summary>
    public static async Task<LongLog> BeginAsync(Laboratory laboratory, int topics)
    {
        var content = await StoredContentAsync(laboratory);
        var storage = await laboratory.NewStorageAsync("postgres");
        await using (await LogStore.OpenAsync(new StorageOptions { Postgres = storage.ConnectionString }, CancellationToken.None))
        {
            await using var connection = await OpenAsync(storage);
            await ExecuteAsync(connection, Topics, topics, LoadTopics.Prefix);
            await ExecuteAsync(connection, NextTopicId, (long)topics);
        }

        return new LongLog(storage, topics, content);
    }

    /// <summary>Grows to so many written here; each topic has as many as any other. No other process may write to these topics.</summary>
    public async Task GrowAsync(long rows)
    {
        if (rows % topics != 0 || rows % RowsAnAppend != 0)
            throw new ArgumentException($"{rows} notifications: it must be a multiple of {topics} (topics) and of {RowsAnAppend}.");
        await using var log = await LogStore.OpenAsync(new StorageOptions { Postgres = Storage.ConnectionString }, CancellationToken.None);
        await using var connection = await OpenAsync(Storage);
        await ExecuteAsync(connection, "ALTER SYSTEM SET max_wal_size = '16GB'"); // or it is checkpoints that take the time
        await ExecuteAsync(connection, ReadSettings);
        while (_written < rows)
        {
            var count = Math.Min(RowsAStep, rows - _written);
            var head = (await log.ReadHeadAsync(CancellationToken.None)).Head;
            await using (var transaction = await connection.BeginTransactionAsync())
            {
                await ExecuteAsync(connection, Rows, head, count, _written, (long)topics, content);
                await ExecuteAsync(connection, Appends, head, count, (long)RowsAnAppend);
                await transaction.CommitAsync();
            }

            _written += count;
            await log.SweepAsync(TimeSpan.FromDays(30), CancellationToken.None); // makes the next partitions, settles the full ones
        }

        await ExecuteAsync(connection, "ALTER SYSTEM RESET max_wal_size");
        await ExecuteAsync(connection, ReadSettings);

        // What the database would do by itself in the middle of a measurement.
        await ExecuteAsync(connection, "VACUUM (ANALYZE)");
        await ExecuteAsync(connection, "CHECKPOINT");
    }

    public ValueTask DisposeAsync() => Storage.DisposeAsync();

    private static async Task<byte[]> StoredContentAsync(Laboratory laboratory)
    {
        await using var storage = await laboratory.NewStorageAsync("postgres");
        await using var server = await storage.StartServerAsync();
        await Filling.PublishAsync(server, Filling.Batch, topics: 1);
        await using var log = await LogStore.OpenAsync(new StorageOptions { Postgres = storage.ConnectionString }, CancellationToken.None);
        var page = await log.ReadAsync(0, 1, int.MaxValue, CancellationToken.None);
        return page.Entries[0].Content.ToArray();
    }

    private static async Task<NpgsqlConnection> OpenAsync(Storage storage)
    {
        var connection = new NpgsqlConnection(storage.ConnectionString + ";Pooling=false;Command Timeout=600");
        await connection.OpenAsync();
        return connection;
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
