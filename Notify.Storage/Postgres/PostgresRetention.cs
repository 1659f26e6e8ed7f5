using Notify.Storage.Log;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>
/// Retention: recorded first (<c>oldest</c>), dropped later, when the drop delays no other session. Every step is a short
/// transaction, and what one sweep does not finish the next one does.
/// </summary>
internal sealed class PostgresRetention(NpgsqlDataSource connections, PostgresPartitions partitions, PostgresLocks locks)
{
    private const int VersionsAStep = 100_000;

    /// <summary>Versions of which what inboxes still owe is copied in one statement.</summary>
    private const int KeptAStep = 1_000;
    private const int AnswersAStep = 5_000;

    /// <summary>A clock that was set back leaves versions out of order in time: the first young one ends what is old.</summary>
    private const string FirstYoung = """
        SELECT version FROM notifications
        WHERE version >= $1 AND version <= $2 AND published_at >= clock_timestamp() - $3
        ORDER BY version LIMIT 1
        """;

    private const string RecordOldest = "UPDATE log_head SET oldest = $1 WHERE oldest < $1";

    /// <summary>
    /// Where each topic's sequence stands at the end of a full partition, so that it goes on after its rows are dropped; and
    /// what it has in the partition, so that counts need not look into each.
    /// </summary>
    private const string SettleTopics = """
        WITH place AS MATERIALIZED (
            SELECT settled, oldest FROM log_head
        ), reached AS MATERIALIZED (
            SELECT topic_id, min(topic_seq) AS first_seq, max(topic_seq) AS seq, max(version) AS version, count(expires_at) AS expiring, max(expires_at) AS expires_by
            FROM notifications
            WHERE version > (SELECT settled FROM place) AND version <= $1 AND topic_id IS NOT NULL
            GROUP BY topic_id
        ), ended AS (
            INSERT INTO topic_ends (topic_id, until, after, first_seq, last_seq, expiring, expires_by)
            SELECT reached.topic_id, $1, place.settled, reached.first_seq, reached.seq, reached.expiring, reached.expires_by
            FROM place CROSS JOIN reached WHERE place.oldest <= $1
            UNION ALL
            SELECT 0, $1, settled, 0, 0, 0, NULL FROM place WHERE oldest <= $1
        )
        UPDATE topics SET last_seq = reached.seq, used = greatest(topics.used, reached.version)
        FROM reached
        WHERE topics.id = reached.topic_id AND topics.last_seq < reached.seq
        """;

    private const string RecordSettled = "UPDATE log_head SET settled = $1 WHERE settled < $1";

    private const string ForgetAnswers = """
        DELETE FROM idempotency WHERE (publisher, key) IN
            (SELECT publisher, key FROM idempotency WHERE created_at < clock_timestamp() - $1 ORDER BY created_at LIMIT $2)
        """;

    /// <summary>The last append is the head of the log: it stays, however old.</summary>
    private const string ForgetBatches = """
        DELETE FROM appends WHERE last_version IN
            (SELECT last_version FROM appends ORDER BY last_version LIMIT $2)
            AND appended_at < clock_timestamp() - $1
            AND last_version < (SELECT max(last_version) FROM appends)
        """;

    private const string ForgetEnds = """
        DELETE FROM topic_ends WHERE (topic_id, until) IN
            (SELECT topic_id, until FROM topic_ends WHERE until < (SELECT oldest FROM log_head) ORDER BY until LIMIT $1)
        """;

    private readonly PostgresUnusedTopics _unused = new(locks);

    public async Task SweepAsync(LogHead head, TimeSpan maxAge, CancellationToken cancellationToken)
    {
        await using var connection = await connections.OpenConnectionAsync(cancellationToken);
        var oldest = await RecordOldestAsync(connection, head, maxAge, cancellationToken);
        foreach (var partition in await PostgresPartitions.ListAsync(connection, cancellationToken))
        {
            // The one that holds the head stays: an empty log must not lose its place among the partitions.
            if (partition.To - 1 >= head.Head)
                break;
            if (!await SettleAsync(connection, partition.To - 1, cancellationToken))
                break;
            if (partition.To <= oldest && !await DropAsync(connection, partition, cancellationToken))
                break;
        }

        await ForgetAsync(connection, ForgetAnswers, cancellationToken);
        await ForgetAsync(connection, ForgetBatches, cancellationToken);
        while (await ExecuteAsync(connection, ForgetEnds, 10, cancellationToken, new NpgsqlParameter { Value = (long)AnswersAStep }) == AnswersAStep)
        {
        }

        await _unused.RemoveAsync(connection, cancellationToken);
        await partitions.MakeAheadAsync(1, cancellationToken);
    }

    private static async Task<long> RecordOldestAsync(
        NpgsqlConnection connection, LogHead head, TimeSpan maxAge, CancellationToken cancellationToken)
    {
        var oldest = head.Oldest;
        while (oldest <= head.Head)
        {
            var last = Math.Min(oldest + VersionsAStep - 1, head.Head);
            await using var find = new NpgsqlCommand(FirstYoung, connection)
            {
                Parameters = { new() { Value = oldest }, new() { Value = last }, new() { Value = maxAge } },
            };
            var young = await find.ExecuteScalarAsync(cancellationToken) as long?;
            await KeepAsync(connection, oldest, young ?? last + 1, cancellationToken);
            oldest = young ?? last + 1;
            await using var record = new NpgsqlCommand(RecordOldest, connection) { Parameters = { new() { Value = oldest } } };
            await record.ExecuteNonQueryAsync(cancellationToken);
            if (young is not null)
                break;
        }

        return oldest;
    }

    /// <summary>Before any of it is below the oldest version: a reader finds it in one of the two places.</summary>
    private static async Task KeepAsync(NpgsqlConnection connection, long from, long before, CancellationToken cancellationToken)
    {
        for (var step = from; step < before; step += KeptAStep)
        {
            await ExecuteAsync(
                connection, PostgresInboxSql.Keep, 10, cancellationToken,
                new NpgsqlParameter { Value = step }, new NpgsqlParameter { Value = Math.Min(step + KeptAStep, before) });
        }
    }

    /// <summary>
    /// Appends go on meanwhile: they read the topics' sequences and <c>settled</c> in one snapshot, so they see both as they
    /// were or both as they will be; the log's lock is held only from the second command to the commit.
    /// </summary>
    private async Task<bool> SettleAsync(NpgsqlConnection connection, long version, CancellationToken cancellationToken)
    {
        await using (var read = new NpgsqlCommand("SELECT settled FROM log_head", connection))
        {
            if ((long)(await read.ExecuteScalarAsync(cancellationToken))! >= version)
                return true;
        }

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await PostgresLocks.TryTakeAsync(connection, locks.Sweep, cancellationToken))
            return false; // another node is at it
        await ExecuteAsync(connection, "SET LOCAL statement_timeout = '5min'", 310, cancellationToken);
        await ExecuteAsync(connection, SettleTopics, 310, cancellationToken, new NpgsqlParameter { Value = version });
        await ExecuteAsync(connection, RecordSettled, 10, cancellationToken, new NpgsqlParameter { Value = version });
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>
    /// Dropping needs the log's strongest lock for a moment, and while it waits behind a reader all others wait behind it.
    /// So it waits hardly at all, and the next sweep tries again. False when it was busy.
    /// </summary>
    private async Task<bool> DropAsync(
        NpgsqlConnection connection, PostgresPartition partition, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            if (!await PostgresLocks.TryTakeAsync(connection, locks.Sweep, cancellationToken))
                return false; // another node is at it
            await ExecuteAsync(connection, "SET LOCAL lock_timeout = '200ms'", 10, cancellationToken);
            await ExecuteAsync(connection, $"DROP TABLE IF EXISTS {partition.Name}", 10, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return true;
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
        {
            return false;
        }
    }

    private static async Task ForgetAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        int deleted;
        do
        {
            deleted = await ExecuteAsync(
                connection, sql, 10, cancellationToken,
                new NpgsqlParameter { Value = LogLimits.AnswersKept }, new NpgsqlParameter { Value = (long)AnswersAStep });
        }
        while (deleted == AnswersAStep);
    }

    private static async Task<int> ExecuteAsync(
        NpgsqlConnection connection, string sql, int timeoutSeconds, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = timeoutSeconds };
        command.Parameters.AddRange(parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
