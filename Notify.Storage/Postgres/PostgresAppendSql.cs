namespace Notify.Storage.Postgres;

/// <summary>The commands around an append. Each takes a snapshot of its own.</summary>
internal static class PostgresAppendSql
{
    /// <remarks>
    /// Trap: were this merged with what follows into one statement, that statement's snapshot would be older than the lock,
    /// and two writers would give the same versions.
    /// </remarks>
    public const string Lock = "SELECT 1 FROM log_head FOR UPDATE";

    /// <summary>Before the lock, and only for topics that the session does not know yet. Two nodes may add the same one.</summary>
    public const string AddTopics = """
        INSERT INTO topics (name, used)
        SELECT wanted.name, coalesce((SELECT last_version FROM appends ORDER BY last_version DESC LIMIT 1), 0) FROM unnest($1) AS wanted(name)
        WHERE NOT EXISTS (SELECT FROM topics WHERE topics.name = wanted.name)
        ON CONFLICT DO NOTHING
        """;

    /// <summary>Where the log is, in a snapshot before that of <see cref="ReadTopics"/>.</summary>
    /// <remarks>
    /// Trap: were it read in one statement with the sequences, a partition that is attached after that statement was planned, and filled before it has its
    /// snapshot, would be in the head and not among the rows. What lies above this head is looked up under the lock.
    /// </remarks>
    public const string ReadLog = """
        SELECT epoch, coalesce((SELECT last_version FROM appends ORDER BY last_version DESC LIMIT 1), 0), topics_removed FROM log_head
        """;

    /// <summary>
    /// Where these topics' sequences stand, at least. A topic's sequence is that of its
    /// last row; what was settled before its partitions may be dropped is in the topic's own row. One that has neither begins
    /// above every topic that was removed: it may be one of them.
    /// </summary>
    public const string ReadTopics = """
        SELECT topics.id, topics.name,
               coalesce((SELECT n.topic_seq FROM notifications AS n
                         WHERE n.topic_id = topics.id AND n.version > log_head.settled
                         ORDER BY n.version DESC LIMIT 1), nullif(topics.last_seq, 0), log_head.topics_floor)
        FROM log_head JOIN topics ON topics.name = ANY ($1)
        """;

    /// <summary>
    /// Stores the batch and returns its place; no row when it must not be stored as it is (<see cref="ReadPlace"/> tells why):
    /// the batch is stored already (the backend of a lost connection may have been queued for the lock), one of its keys
    /// has been used, or what the session knows of the topics is of another epoch of the log or too old to be completed, or
    /// topics were removed since: rows of one that is gone would be found by no reader.
    /// </summary>
    /// <remarks>
    /// Insert-only on purpose: the head is the last row of <c>appends</c>, a topic's sequence that of its last row, so that
    /// a snapshot that is held open (pg_dump) does not make every append walk a growing chain of dead counters.
    /// The session brings the sequences of the batch's topics ($6, $7) as they were at version $3. Only when another session has appended since
    /// are they looked up, once for each topic and not for each row, and only then are they returned: a lone writer pays for neither.
    /// </remarks>
    public const string Insert = """
        WITH place AS MATERIALIZED (
            SELECT log.head, log.last_change, date_trunc('milliseconds', clock_timestamp()) AS at,
                   CASE WHEN log.head > $3 THEN
                       ARRAY (SELECT coalesce((SELECT n.topic_seq FROM notifications AS n
                                               WHERE n.topic_id = topic.id AND n.version > $3
                                               ORDER BY n.version DESC LIMIT 1), topic.seq)
                              FROM unnest($6, $7) WITH ORDINALITY AS topic(id, seq, position)
                              ORDER BY topic.position)
                   ELSE $7 END AS sequences
            FROM (SELECT epoch, settled, topics_removed, coalesce(last.last_version, 0) AS head, coalesce(last.last_change, 0) AS last_change
                  FROM log_head LEFT JOIN (SELECT last_version, last_change FROM appends ORDER BY last_version DESC LIMIT 1) AS last ON true) AS log
            WHERE log.epoch = $2 AND log.head >= $3 AND log.settled <= $3 AND log.topics_removed = $17
              AND NOT EXISTS (SELECT FROM appends WHERE batch_id = $1)
              AND NOT EXISTS (SELECT FROM unnest($13, $14) AS asked(publisher, key)
                              JOIN idempotency AS known ON known.publisher = asked.publisher AND known.key = asked.key)
        ), item AS MATERIALIZED (
            SELECT place.head + given.position AS version, place.at, given.id, given.kind, ($6)[given.topic] AS topic_id, given.name, given.content,
                   given.ttl, given.publisher, given.key, given.request_hash,
                   coalesce(place.sequences[given.topic], 0) + given.nth AS topic_seq
            FROM place, unnest($4, $5, $8, $9, $10, $11, $12, $13, $14, $15) WITH ORDINALITY
                 AS given(id, kind, topic, nth, content, name, ttl, publisher, key, request_hash, position)
        ), stored AS (
            INSERT INTO notifications
                (version, id, kind, topic_id, name, topic_seq, published_at, expires_at, content)
            SELECT version, id, kind, topic_id, CASE WHEN kind <> 0 THEN name END, topic_seq,
                   at, at + make_interval(secs => ttl), content
            FROM item
        ), answered AS (
            INSERT INTO idempotency (publisher, key, request_hash, id, version, topic, published_at, created_at)
            SELECT publisher, key, request_hash, id, version, name, at, at FROM item WHERE key IS NOT NULL
        ), appended AS (
            INSERT INTO appends (last_version, first_version, batch_id, appended_at, last_change)
            SELECT head + cardinality($4), head + 1, $1, at, CASE WHEN $16 > 0 THEN head + $16 ELSE last_change END FROM place
        )
        SELECT head, at, CASE WHEN head > $3 THEN sequences END FROM place
        """;

    /// <summary>The log's epoch, and whether the batch is stored, now or by an attempt whose answer was lost.</summary>
    public const string ReadPlace = "SELECT epoch, EXISTS (SELECT FROM appends WHERE batch_id = $1) FROM log_head";

    /// <summary>What is stored under the batch's id.</summary>
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
