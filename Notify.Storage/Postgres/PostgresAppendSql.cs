namespace Notify.Storage.Postgres;

/// <summary>The commands of one append, in their order. Each takes a snapshot of its own.</summary>
internal static class PostgresAppendSql
{
    /// <remarks>
    /// Trap: were this merged with what follows into one statement, that statement's snapshot would be older than the lock,
    /// and two writers would give the same versions.
    /// </remarks>
    public const string Lock = "SELECT 1 FROM log_head FOR UPDATE";

    /// <summary>Conflicts are possible although the lock is held: an administrator's insert, or a topic of a failed append.</summary>
    public const string AddTopics = """
        INSERT INTO topics (name)
        SELECT wanted.name FROM unnest($1) AS wanted(name)
        WHERE NOT EXISTS (SELECT FROM topics WHERE topics.name = wanted.name)
        ON CONFLICT DO NOTHING
        """;

    /// <summary>
    /// Insert-only on purpose: the head is the last row of <c>appends</c>, a topic's sequence that of its last row, so that
    /// a snapshot somebody holds open (pg_dump) does not make every append walk a growing chain of dead counters.
    /// The batch id is checked here, under the lock: the backend of a lost connection may still have been queued for it.
    /// </summary>
    /// <remarks>
    /// A join of the batch with its topics' sequences would be a nested loop over the batch squared; hence windows, and a
    /// sequence looked up only for the first entry of each topic.
    /// </remarks>
    public const string Insert = """
        WITH place AS MATERIALIZED (
            SELECT coalesce((SELECT last_version FROM appends ORDER BY last_version DESC LIMIT 1), 0) AS head,
                   settled, date_trunc('milliseconds', clock_timestamp()) AS at
            FROM log_head
            WHERE NOT EXISTS (SELECT FROM appends WHERE batch_id = $1)
        ), fresh AS MATERIALIZED (
            SELECT item.*, place.settled, place.at,
                   place.head + row_number() OVER (ORDER BY item.position) AS version,
                   row_number() OVER (PARTITION BY item.kind, item.topic COLLATE "C" ORDER BY item.position) AS nth
            FROM place, unnest($2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY
                 AS item(id, kind, topic, content, ttl, publisher, key, request_hash, position)
            WHERE NOT EXISTS (SELECT FROM idempotency AS known
                              WHERE known.publisher = item.publisher AND known.key = item.key)
        ), placed AS (
            SELECT fresh.*,
                   max(topics.id) OVER topic AS topic_id,
                   max(CASE WHEN fresh.nth = 1 AND fresh.kind = 0 THEN
                           coalesce((SELECT n.topic_seq FROM notifications AS n
                                     WHERE n.topic_id = topics.id AND n.version > fresh.settled
                                     ORDER BY n.version DESC LIMIT 1), topics.last_seq)
                       END) OVER topic + fresh.nth AS topic_seq
            FROM fresh
            LEFT JOIN topics ON topics.name = fresh.topic AND fresh.kind = 0
            WINDOW topic AS (PARTITION BY fresh.kind, fresh.topic COLLATE "C")
        ), stored AS (
            INSERT INTO notifications
                (version, id, kind, topic_id, name, topic_seq, published_at, expires_at, content)
            SELECT version, id, kind, topic_id, CASE WHEN kind <> 0 THEN topic END, coalesce(topic_seq, 0),
                   at, at + make_interval(secs => ttl), content
            FROM placed
            ORDER BY version
        ), answered AS (
            INSERT INTO idempotency (publisher, key, request_hash, id, version, topic, published_at, created_at)
            SELECT publisher, key, request_hash, id, version, topic, at, at FROM fresh WHERE key IS NOT NULL
        )
        INSERT INTO appends (last_version, first_version, batch_id, appended_at)
        SELECT max(version), min(version), $1, at FROM fresh GROUP BY at
        """;

    public const string ReadEpoch = "SELECT epoch FROM log_head";

    /// <summary>What is stored under the batch's id, now or by an attempt whose answer was lost.</summary>
    public const string ReadRows = """
        SELECT n.version, n.id, n.topic_seq, n.published_at, n.expires_at
        FROM appends AS a JOIN notifications AS n ON n.version BETWEEN a.first_version AND a.last_version
        WHERE a.batch_id = $1
        ORDER BY n.version
        """;

    public const string ReadAnswers = """
        SELECT known.publisher, known.key, known.id, known.version, known.topic, known.published_at, known.request_hash
        FROM unnest($1, $2) AS asked(publisher, key)
        JOIN idempotency AS known ON known.publisher = asked.publisher AND known.key = asked.key
        """;
}
