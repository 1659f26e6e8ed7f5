namespace Notify.Storage.Postgres;

/// <summary>What inboxes are read with. Ranges of versions also leave out the partitions that they do not reach.</summary>
internal static class PostgresInboxSql
{
    public const string Begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

    public const string Head = """
        SELECT epoch, coalesce(last.last_version, 0), oldest, date_trunc('milliseconds', now()), coalesce(last.last_change, 0), least(oldest, (SELECT min(version) FROM inbox_kept))
        FROM log_head LEFT JOIN (SELECT last_version, last_change FROM appends ORDER BY last_version DESC LIMIT 1) AS last ON true
        """;

    public const string Users = "SELECT id, name FROM users WHERE name = ANY ($1)";

    public const string Groups = """
        SELECT u.id, g.id, g.name, greatest(m.since, g.since), least(m.until, g.until)
        FROM (SELECT least(oldest, (SELECT min(version) FROM inbox_kept)) AS version FROM log_head WHERE id = 1) AS kept CROSS JOIN users AS u
        JOIN memberships AS m ON m.user_id = u.id AND m.until >= kept.version
        JOIN groups AS g ON g.id = m.group_id
        WHERE u.name = ANY ($1) AND g.until >= kept.version AND greatest(m.since, g.since) < least(m.until, g.until)
        """;

    public const string Filters = """
        SELECT u.id, s.filter, s.since, s.until
        FROM log_head CROSS JOIN users AS u JOIN subscriptions AS s ON s.user_id = u.id AND s.until >= log_head.oldest
        WHERE log_head.id = 1 AND u.name = ANY ($1)
        """;

    public const string Watermarks = """
        SELECT u.id, w.filter, w.steps FROM users AS u JOIN inbox_watermarks AS w ON w.user_id = u.id WHERE u.name = ANY ($1)
        """;

    /// <summary>The full partitions of which <c>topic_ends</c> says what each topic has.</summary>
    public const string Partitions = "SELECT after, until FROM topic_ends WHERE topic_id = 0 ORDER BY until DESC";

    public const string TopicsByName = "SELECT id, name, used FROM topics WHERE name = ANY ($1)";

    public const string TopicsByPrefix = """
        SELECT id, name, used FROM topics WHERE name >= $1 AND name <= $2 AND name > $3 AND starts_with(name, $1) ORDER BY name LIMIT $4
        """;

    /// <summary>
    /// A topic's sequence is dense, so its first and its last notification in a range tell how many there are; what is known of them
    /// is given, and not looked up. The bounds of all ranges together leave out, before anything is read, the partitions that none of
    /// them reaches.
    /// </summary>
    private static string CountIn(string table)
    {
        var range = $"""
            FROM {table} AS n WHERE n.topic_id = given.topic_id AND n.version > given.after AND n.version <= given.through AND n.version > $6 AND n.version <= $7
            """;
        return CountOf(
            $"SELECT n.topic_seq {range} ORDER BY n.version LIMIT 1", $"SELECT n.topic_seq {range} ORDER BY n.version DESC LIMIT 1", $"""
            SELECT count(*) FILTER (WHERE n.expires_at <= now()) AS count, min(n.expires_at) FILTER (WHERE n.expires_at > now()) AS next
            {range} AND n.expires_at IS NOT NULL
            """);
    }

    // OFFSET 0: each is looked up once, although it is compared and returned. In a range without a first there is no look-up for more.
    private static string CountOf(string first, string last, string expiry) => $"""
        SELECT given.position, first.seq, last.seq, expiry.count, expiry.next
        FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS given(topic_id, after, through, first, last, position)
        CROSS JOIN LATERAL (SELECT coalesce(given.first, ({first})) AS seq OFFSET 0) AS first
        CROSS JOIN LATERAL (SELECT CASE WHEN first.seq IS NOT NULL THEN coalesce(given.last, ({last})) END AS seq OFFSET 0) AS last
        CROSS JOIN LATERAL ({expiry} AND first.seq <= last.seq) AS expiry
        WHERE first.seq <= last.seq
        """;

    public static readonly string Count = CountIn("notifications");
    public static readonly string CountKept = CountIn("inbox_kept");

    private const string EndsInRange = "FROM topic_ends AS e WHERE e.topic_id = given.topic_id AND e.until > given.after AND e.until <= given.through";

    /// <summary>The same over whole partitions, which are not looked into.</summary>
    public static readonly string CountEnds = CountOf(
        $"SELECT e.first_seq {EndsInRange} ORDER BY e.until LIMIT 1", $"SELECT e.last_seq {EndsInRange} ORDER BY e.until DESC LIMIT 1", $"""
        SELECT coalesce(sum(e.expiring), 0)::bigint AS count, NULL::timestamptz AS next
        {EndsInRange} AND e.expiring > 0 AND e.expires_by <= now()
        """);

    /// <summary>Those partitions of which not everything that expires has expired: it is counted there.</summary>
    public const string EndsExpiring = $"""
        SELECT given.position, one.topic_id, one.after, one.until
        FROM unnest($1, $2, $3) WITH ORDINALITY AS given(topic_id, after, through, position)
        CROSS JOIN LATERAL (SELECT e.topic_id, e.after, e.until {EndsInRange} AND e.expiring > 0 AND e.expires_by > now()) AS one
        """;

    private const string MarkColumns = "m.user_id, m.version, m.topic_id, m.mark_order, m.seen_at, m.read_at, m.archived_at, m.expires_at";

    /// <param name="what">The condition on marks at or below the version above which all of them are wanted.</param>
    private static string Marks(string what) => $"""
        SELECT {MarkColumns}
        FROM unnest($1, $2, $3, $4) AS given(user_id, first, last, all_after)
        JOIN inbox_marks AS m ON m.user_id = given.user_id AND m.version > given.all_after AND m.version >= given.first AND m.version <= given.last
        UNION ALL
        SELECT {MarkColumns}
        FROM unnest($1, $2, $3, $4) AS given(user_id, first, last, all_after)
        JOIN inbox_marks AS m ON m.user_id = given.user_id AND m.version <= given.all_after AND m.version >= given.first AND m.version <= given.last
        WHERE {what}
        """;

    public static readonly string MarksUnread = Marks("m.read_at IS NULL");
    public static readonly string MarksNotArchived = Marks("m.archived_at IS NULL");
    public static readonly string MarksArchived = Marks("m.archived_at IS NOT NULL");

    /// <summary>
    /// The highest <c>$5</c> versions over all ranges. A few of each are found first, <c>$4</c>; of a range that may have more
    /// above the lowest wanted one, which only few can have, the others are looked for then. The answer is complete down to the
    /// version that is sent with every row; what lies below is not sent.
    /// </summary>
    private static string NewestIn(Func<string, string, string, string> newest) => $"""
        WITH hit AS MATERIALIZED (
            SELECT given.position, given.after, found.version, found.topic_id, found.expires_at
            FROM unnest($1, $2, $3) WITH ORDINALITY AS given(topic_id, after, through, position)
            CROSS JOIN LATERAL ({newest("given.after", "given.through", "$4")}) AS found
        ), place AS MATERIALIZED (
            SELECT coalesce((SELECT version FROM hit ORDER BY version DESC OFFSET $5 - 1 LIMIT 1), 0) AS version
        ), given AS MATERIALIZED (
            SELECT hit.position, hit.topic_id, greatest(hit.after, place.version - 1) AS after, min(hit.version) - 1 AS through
            FROM hit CROSS JOIN place
            GROUP BY hit.position, hit.topic_id, hit.after, place.version
            HAVING count(*) = $4 AND min(hit.version) > place.version
        ), more AS MATERIALIZED (
            SELECT given.position, found.version, found.topic_id, found.expires_at
            FROM given CROSS JOIN LATERAL ({newest("given.after", "given.through", "$5")}) AS found
        ), stop AS MATERIALIZED (
            SELECT greatest((SELECT version FROM place),
                            (SELECT max(low) FROM (SELECT min(version) AS low FROM more GROUP BY position HAVING count(*) = $5) AS range)) AS version
        )
        SELECT stop.version, hit.version, hit.topic_id, hit.expires_at
        FROM stop LEFT JOIN (SELECT version, topic_id, expires_at FROM hit UNION ALL SELECT version, topic_id, expires_at FROM more) AS hit
             ON hit.version >= stop.version
        """;

    private static Func<string, string, string, string> RowsOf(string table) => (after, through, limit) => $"""
        SELECT n.version, n.topic_id, n.expires_at FROM {table} AS n
        WHERE n.topic_id = given.topic_id AND n.version > {after} AND n.version <= {through} AND n.version > $6 AND n.version <= $7
        ORDER BY n.version DESC LIMIT {limit}
        """;

    // Partition by partition from the last one on, and only those that have something: no further than to the limit.
    private static string RowsByEnds(string after, string through, string limit) => $"""
        SELECT n.version, n.topic_id, n.expires_at
        FROM (SELECT e.topic_id, e.after, e.until FROM topic_ends AS e
              WHERE e.topic_id = given.topic_id AND e.until > {after} AND e.after < {through} ORDER BY e.until DESC) AS e
        CROSS JOIN LATERAL (SELECT n.version, n.topic_id, n.expires_at FROM notifications AS n
                            WHERE n.topic_id = e.topic_id AND n.version > greatest(e.after, {after}) AND n.version <= least(e.until, {through})
                              AND n.version > $6 AND n.version <= $7
                            ORDER BY n.version DESC LIMIT {limit}) AS n
        LIMIT {limit}
        """;

    public static readonly string Newest = NewestIn(RowsOf("notifications"));
    public static readonly string NewestByEnds = NewestIn(RowsByEnds);
    public static readonly string NewestKept = NewestIn(RowsOf("inbox_kept"));

    public const string Scan = """
        SELECT n.version, n.topic_id, n.expires_at FROM notifications AS n
        WHERE n.version > $1 AND n.version <= $2 AND n.topic_id IS NOT NULL AND (n.expires_at IS NULL OR n.expires_at > now())
        """;

    public const string Items = """
        SELECT n.version, n.topic_id, topics.name, n.expires_at
        FROM unnest($1) AS asked(version)
        JOIN notifications AS n ON n.version = asked.version
        JOIN topics ON topics.id = n.topic_id
        WHERE n.version >= $2
        UNION ALL
        SELECT k.version, k.topic_id, topics.name, k.expires_at
        FROM unnest($1) AS asked(version)
        JOIN inbox_kept AS k ON k.version = asked.version
        JOIN topics ON topics.id = k.topic_id
        WHERE k.version < $2
        ORDER BY 1 DESC
        """;

    public const string Entries = """
        SELECT page.version, page.id, 0::smallint, topics.name, page.topic_seq, page.published_at, page.expires_at, page.content
        FROM (SELECT n.*, sum(octet_length(n.content)) OVER (ORDER BY n.version DESC ROWS UNBOUNDED PRECEDING) - octet_length(n.content) AS bytes_before
              FROM (SELECT l.version, l.id, l.topic_id, l.topic_seq, l.published_at, l.expires_at, l.content
                    FROM unnest($1) AS asked(version) JOIN notifications AS l ON l.version = asked.version WHERE l.version >= $3
                    UNION ALL
                    SELECT k.version, k.id, k.topic_id, k.topic_seq, k.published_at, k.expires_at, k.content
                    FROM unnest($1) AS asked(version) JOIN inbox_kept AS k ON k.version = asked.version WHERE k.version < $3) AS n) AS page
        JOIN topics ON topics.id = page.topic_id
        WHERE page.bytes_before < $2
        ORDER BY page.version DESC
        """;

    public const string FindKept = """
        SELECT k.version, k.id, 0::smallint, topics.name, k.topic_seq, k.published_at, k.expires_at, k.content
        FROM inbox_kept AS k JOIN topics ON topics.id = k.topic_id
        WHERE k.id = $1 AND k.version < (SELECT oldest FROM log_head)
        """;

    private const string KeptFrom = "(SELECT least(oldest, (SELECT min(version) FROM inbox_kept)) FROM log_head)";

    /// <summary>
    /// What is to be kept of these versions, before any of them is below the oldest one. All of the topics', expired ones too, so
    /// that their sequences stay dense. Another node may be at the same.
    /// </summary>
    public const string Keep = """
        INSERT INTO inbox_kept (version, id, topic_id, topic_seq, published_at, expires_at, content)
        SELECT n.version, n.id, n.topic_id, n.topic_seq, n.published_at, n.expires_at, n.content
        FROM notifications AS n JOIN topics ON topics.id = n.topic_id
        WHERE n.version >= $1 AND n.version < $2 AND topics.name >= '$' AND topics.name < '%'
        ON CONFLICT (version) DO NOTHING
        """;

    /// <summary>From the lowest version on, so that what is left is whole above the lowest one.</summary>
    public const string DropKept = """
        DELETE FROM inbox_kept WHERE version IN (SELECT version FROM inbox_kept ORDER BY version LIMIT $2)
            AND version < coalesce((SELECT min(version) FROM (SELECT version, published_at FROM inbox_kept ORDER BY version LIMIT $2) AS lowest
                                    WHERE published_at >= clock_timestamp() - $1), 9223372036854775807)
            AND version < (SELECT oldest FROM log_head)
        """;

    public const string ForgetMarks = $"""
        DELETE FROM inbox_marks WHERE (user_id, version) IN
            (SELECT user_id, version FROM inbox_marks WHERE version < {KeptFrom} ORDER BY version LIMIT $1)
        """;

    public const string ForgetWatermarks = $"""
        DELETE FROM inbox_watermarks WHERE up_to < {KeptFrom} AND (user_id, filter) IN
            (SELECT user_id, filter FROM inbox_watermarks WHERE up_to < {KeptFrom} ORDER BY up_to LIMIT $1)
        """;
}
