using Npgsql;
using static Notify.Storage.Postgres.PostgresParameters;

namespace Notify.Storage.Postgres;

/// <summary>
/// Removes the rows of topics of which nothing is left, or topics that are used once would be there for ever. A step looks at
/// some that were not in use lately, without a lock, and removes them under the log's: a few milliseconds.
/// </summary>
/// <remarks>
/// Each topic is looked at once an age: one that turns out to be in use is next looked at when that has aged too. Nodes that
/// remember a removed topic notice by the counter in <c>log_head</c> (<see cref="PostgresAppendSql.Insert"/>).
/// </remarks>
internal sealed class PostgresUnusedTopics(PostgresLocks locks)
{
    private const int AStep = 500;

    private const string OfLog = "(name < '$' OR name >= '%') AND used < (SELECT oldest FROM log_head)";

    private const string OfInboxes =
        "(name >= '$' AND name < '%') AND used < (SELECT least(oldest, (SELECT min(version) FROM inbox_kept)) FROM log_head)";

    /// <summary>The last version of each that is kept, if any.</summary>
    private static string Look(string which) => $"""
        SELECT old.id,
               greatest((SELECT n.version FROM notifications AS n
                         WHERE n.topic_id = old.id AND n.version >= log_head.oldest ORDER BY n.version DESC LIMIT 1),
                        (SELECT max(k.version) FROM inbox_kept AS k WHERE k.topic_id = old.id))
        FROM log_head CROSS JOIN (SELECT id FROM topics WHERE {which} ORDER BY used LIMIT $1) AS old
        """;

    private const string StillUsed = """
        UPDATE topics SET used = greatest(topics.used, found.version)
        FROM unnest($1, $2) AS found(id, version) WHERE topics.id = found.id
        """;

    /// <summary>
    /// Under the log's lock, and only what was not published to since it was looked at. The floor is above every sequence that
    /// a removed topic has had, settled or not.
    /// </summary>
    private const string Remove = """
        WITH gone AS (
            DELETE FROM topics
            WHERE id = ANY ($1) AND NOT EXISTS (SELECT FROM notifications AS n WHERE n.topic_id = topics.id AND n.version > $2)
            RETURNING id, last_seq
        ), reached AS (
            SELECT max(greatest(gone.last_seq, (SELECT n.topic_seq FROM notifications AS n
                                                WHERE n.topic_id = gone.id AND n.version > log_head.settled
                                                ORDER BY n.version DESC LIMIT 1))) AS seq
            FROM gone CROSS JOIN log_head
        )
        UPDATE log_head SET topics_removed = topics_removed + 1, topics_floor = greatest(topics_floor, reached.seq)
        FROM reached WHERE reached.seq IS NOT NULL
        """;

    public async Task RemoveAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        foreach (var which in (string[])[OfLog, OfInboxes])
        {
            while (await StepAsync(connection, which, cancellationToken))
            {
            }
        }
    }

    /// <summary>Whether there may be more.</summary>
    private async Task<bool> StepAsync(NpgsqlConnection connection, string which, CancellationToken cancellationToken)
    {
        // Before the look, for the reason of PostgresAppendSql.ReadLog: what lies above it is looked for when they are removed.
        var head = await PostgresPartitions.ReadHeadAsync(connection, cancellationToken);
        var (used, unused) = (new List<(long Id, long Version)>(), new List<long>());
        await using (var look = new NpgsqlCommand(Look(which), connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = AStep } } })
        {
            await using var rows = await look.ExecuteReaderAsync(cancellationToken);
            while (await rows.ReadAsync(cancellationToken))
            {
                if (rows.IsDBNull(1)) unused.Add(rows.GetInt64(0));
                else used.Add((rows.GetInt64(0), rows.GetInt64(1)));
            }
        }

        if (used.Count > 0)
        {
            await using var still = new NpgsqlCommand(StillUsed, connection)
            {
                Parameters = { Value(used.ConvertAll(one => one.Id).ToArray()), Value(used.ConvertAll(one => one.Version).ToArray()) },
            };
            await still.ExecuteNonQueryAsync(cancellationToken);
        }

        if (unused.Count > 0 && !await RemoveAsync(connection, unused, head, cancellationToken)) return false;
        return used.Count + unused.Count == AStep;
    }

    /// <summary>Settling updates topics before it takes the log's lock: never at once with it. False: another node is at one of the two.</summary>
    private async Task<bool> RemoveAsync(NpgsqlConnection connection, List<long> topics, long head, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await PostgresLocks.TryTakeAsync(connection, locks.Sweep, cancellationToken)) return false;
        await using (var batch = new NpgsqlBatch(connection)
        {
            BatchCommands = { new(PostgresAppendSql.Lock), new(Remove) { Parameters = { Value(topics.ToArray()), Value(head) } }, new("COMMIT") },
        })
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }

        return true;
    }
}
