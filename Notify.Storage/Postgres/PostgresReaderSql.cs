namespace Notify.Storage.Postgres;

/// <summary>What a page of the log is read with: three commands of one round trip, each with a snapshot of its own.</summary>
internal static class PostgresReaderSql
{
    /// <summary>Before the rows: every version up to this head is in what the next command sees.</summary>
    public const string Head = """
        SELECT epoch, coalesce(last.last_version, 0), oldest, clock_timestamp(), coalesce(last.last_change, 0)
        FROM log_head LEFT JOIN (SELECT last_version, last_change FROM appends ORDER BY last_version DESC LIMIT 1) AS last ON true
        """;

    /// <summary>After the rows: what was dropped while they were read is below it.</summary>
    public const string Oldest = "SELECT oldest FROM log_head";

    /// <summary>
    /// Rows of a topic that was removed are below the oldest version, and may be there until their partition is dropped.
    /// The bytes are counted without fetching contents that are stored out of line, and what is over is not sent.
    /// </summary>
    public const string Range = """
        SELECT page.version, page.id, page.kind, coalesce(topics.name, page.name), page.topic_seq,
               page.published_at, page.expires_at, page.content, false
        FROM (SELECT n.*, sum(octet_length(n.content)) OVER (ORDER BY n.version ROWS UNBOUNDED PRECEDING)
                          - octet_length(n.content) AS bytes_before
              FROM (SELECT * FROM notifications WHERE version > $1 ORDER BY version LIMIT $2) AS n) AS page
        LEFT JOIN topics ON topics.id = page.topic_id
        WHERE page.bytes_before < $3 AND (page.kind <> 0 OR topics.id IS NOT NULL)
        ORDER BY page.version
        """;

    /// <summary>
    /// At most <c>$5</c> versions of each topic, from its index. A topic that has more hides its later ones, so the page is
    /// complete only up to the smallest version at which one stopped.
    /// </summary>
    public const string Topics = """
        WITH hit AS MATERIALIZED (
            SELECT found.topic_id, found.version
            FROM unnest($4) AS wanted(topic_id)
            CROSS JOIN LATERAL (SELECT n.topic_id, n.version FROM notifications AS n
                                WHERE n.topic_id = wanted.topic_id AND n.version > $1
                                ORDER BY n.version LIMIT $5) AS found
        ), stop AS MATERIALIZED (
            SELECT min(last) AS version
            FROM (SELECT max(version) AS last FROM hit GROUP BY topic_id HAVING count(*) = $5) AS topic
        ), page AS (
            SELECT n.*, sum(octet_length(n.content)) OVER (ORDER BY n.version ROWS UNBOUNDED PRECEDING)
                        - octet_length(n.content) AS bytes_before
            FROM (SELECT version FROM hit
                  WHERE version <= coalesce((SELECT version FROM stop), 9223372036854775807)
                  ORDER BY version LIMIT $2) AS chosen
            JOIN notifications AS n ON n.version = chosen.version
        )
        SELECT page.version, page.id, page.kind, coalesce(topics.name, page.name), page.topic_seq,
               page.published_at, page.expires_at, page.content,
               (SELECT version FROM stop) IS NULL AND (SELECT count(*) FROM hit) = count(*) OVER ()
        FROM page
        LEFT JOIN topics ON topics.id = page.topic_id
        WHERE page.bytes_before < $3 AND (page.kind <> 0 OR topics.id IS NOT NULL)
        ORDER BY page.version
        """;

    /// <summary>The same the other way: below <c>$1</c>, newest first, and complete down to the largest version at which a topic stopped.</summary>
    public const string TopicsBack = """
        WITH hit AS MATERIALIZED (
            SELECT found.topic_id, found.version
            FROM unnest($4) AS wanted(topic_id)
            CROSS JOIN LATERAL (SELECT n.topic_id, n.version FROM notifications AS n
                                WHERE n.topic_id = wanted.topic_id AND n.version < $1
                                ORDER BY n.version DESC LIMIT $5) AS found
        ), stop AS MATERIALIZED (
            SELECT max(last) AS version
            FROM (SELECT min(version) AS last FROM hit GROUP BY topic_id HAVING count(*) = $5) AS topic
        ), page AS (
            SELECT n.*, sum(octet_length(n.content)) OVER (ORDER BY n.version DESC ROWS UNBOUNDED PRECEDING)
                        - octet_length(n.content) AS bytes_before
            FROM (SELECT version FROM hit
                  WHERE version >= coalesce((SELECT version FROM stop), 0)
                  ORDER BY version DESC LIMIT $2) AS chosen
            JOIN notifications AS n ON n.version = chosen.version
        )
        SELECT page.version, page.id, page.kind, coalesce(topics.name, page.name), page.topic_seq,
               page.published_at, page.expires_at, page.content,
               (SELECT version FROM stop) IS NULL AND (SELECT count(*) FROM hit) = count(*) OVER ()
        FROM page
        LEFT JOIN topics ON topics.id = page.topic_id
        WHERE page.bytes_before < $3 AND (page.kind <> 0 OR topics.id IS NOT NULL)
        ORDER BY page.version DESC
        """;

    public const string ById = """
        SELECT n.version, n.id, n.kind, topics.name, n.topic_seq, n.published_at, n.expires_at, n.content
        FROM notifications AS n JOIN topics ON topics.id = n.topic_id
        WHERE n.id = $1 AND n.version >= (SELECT oldest FROM log_head)
        """;

    public const string TopicsByName = "SELECT id, name FROM topics WHERE name = ANY ($1)";

    public const string TopicsByPrefix = """
        SELECT id, name FROM topics WHERE name >= $1 AND name <= $2 AND starts_with(name, $1) ORDER BY name LIMIT $3
        """;
}
