using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>A partition of the log: the versions from <paramref name="From"/> up to but not including <paramref name="To"/>.</summary>
internal readonly record struct PostgresPartition(string Name, long From, long To);

/// <summary>The log's partitions by range of versions: made ahead of the head, dropped whole.</summary>
/// <param name="size">Versions in a new partition. Those that exist keep their bounds.</param>
internal sealed class PostgresPartitions(NpgsqlDataSource connections, PostgresLocks locks, long size)
{
    public const long DefaultSize = 1_000_000;

    private const int MadeAhead = 2;

    // Materialized: the bounds come from the catalog as it is at that moment, so evaluated twice they can be there for the
    // filter and gone for the result when another node drops the partition.
    private const string List = """
        WITH partition AS MATERIALIZED (
            SELECT child.relname::text AS name,
                   regexp_match(pg_get_expr(child.relpartbound, child.oid), '\(''?(\d+)''?\) TO \(''?(\d+)''?\)') AS bounds
            FROM pg_inherits JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
            WHERE pg_inherits.inhparent = 'notifications'::regclass
        )
        SELECT name, bounds[1]::bigint, bounds[2]::bigint FROM partition WHERE bounds IS NOT NULL ORDER BY 2
        """;

    /// <summary>In version order.</summary>
    public static async Task<List<PostgresPartition>> ListAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var partitions = new List<PostgresPartition>();
        await using var command = new NpgsqlCommand(List, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            partitions.Add(new PostgresPartition(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2)));
        return partitions;
    }

    /// <summary>Makes the partition of the next versions and two more. True when something was made.</summary>
    public async Task<bool> MakeAheadAsync(int next, CancellationToken cancellationToken)
    {
        await using var connection = await connections.OpenConnectionAsync(cancellationToken);
        var head = await ReadHeadAsync(connection, cancellationToken);
        var wanted = head + Math.Max(1, next) + MadeAhead * size;
        if (Next(await ListAsync(connection, cancellationToken), head) > wanted)
            return false;

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await PostgresLocks.TakeAsync(connection, locks.Partitions, cancellationToken);
        var from = Next(await ListAsync(connection, cancellationToken), head);
        for (; from <= wanted; from += size)
        {
            await using var create = new NpgsqlCommand(Create(from, from + size), connection);
            await create.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>The log's last version; 0 for an empty one.</summary>
    public static async Task<long> ReadHeadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT coalesce(max(last_version), 0) FROM appends", connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>
    /// Made beside the log and then attached, which holds up neither readers nor appends; CREATE … PARTITION OF would take
    /// the log's strongest lock.
    /// Statistics of a young log know one topic. A plan kept from then would read the log by version and throw away what is
    /// not of the topic; with the distinct values pinned the topic's own index always looks better.
    /// </summary>
    private static string Create(long from, long to) => $"""
        CREATE TABLE notifications_{from} (LIKE notifications INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING CONSTRAINTS);
        ALTER TABLE notifications_{from} ALTER COLUMN topic_id SET (n_distinct = -0.01);
        ALTER TABLE notifications ATTACH PARTITION notifications_{from} FOR VALUES FROM ({from}) TO ({to});
        """;

    private static long Next(List<PostgresPartition> partitions, long head) =>
        partitions.Count > 0 ? partitions[^1].To : head + 1;
}
