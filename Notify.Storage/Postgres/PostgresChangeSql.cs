namespace Notify.Storage.Postgres;

/// <summary>The commands of a batch of changes: what it asks about, and what it writes.</summary>
/// <remarks>9223372036854775807 is <see cref="Directory.Interval.Open"/>, written out so that the partial indexes serve.</remarks>
internal static class PostgresChangeSql
{
    /// <summary>Before the lock, in ordinal order, so that two nodes that make the same users do not wait for each other in a circle.</summary>
    public const string AddUsers = """
        INSERT INTO users (name)
        SELECT wanted.name FROM unnest($1) AS wanted(name)
        WHERE NOT EXISTS (SELECT FROM users WHERE users.name = wanted.name)
        ORDER BY wanted.name
        ON CONFLICT DO NOTHING
        """;

    public const string ReadPlace = """
        SELECT log_head.epoch, coalesce(last.last_version, 0), directory.rules_revision, date_trunc('milliseconds', clock_timestamp()),
               least(log_head.oldest, (SELECT min(version) FROM inbox_kept))
        FROM log_head CROSS JOIN directory
        LEFT JOIN (SELECT last_version FROM appends ORDER BY last_version DESC LIMIT 1) AS last ON true
        """;

    public const string ReadUsers = "SELECT name, id FROM users WHERE name = ANY ($1)";

    public const string ReadGroups = "SELECT name, id, rule, members FROM groups WHERE name = ANY ($1) AND until = 9223372036854775807";

    public const string ReadMembers = """
        SELECT m.group_id, m.user_id
        FROM unnest($1, $2) AS asked(group_name, user_name)
        JOIN groups AS g ON g.name = asked.group_name AND g.until = 9223372036854775807
        JOIN users AS u ON u.name = asked.user_name
        JOIN memberships AS m ON m.group_id = g.id AND m.user_id = u.id AND m.until = 9223372036854775807
        """;

    /// <summary>
    /// Memberships of groups that have ended may still be open: they count until they are looked at one by one, which is
    /// done only for a user that they bring over the limit, and by looking up each group: a join may be planned from all groups.
    /// </summary>
    public const string CountGroups = """
        SELECT u.id, CASE WHEN open.n + asked.more <= $3 THEN open.n ELSE
                     (SELECT count(*)
                      FROM (SELECT m.group_id FROM memberships AS m WHERE m.user_id = u.id AND m.until = 9223372036854775807 OFFSET 0) AS own
                      WHERE (SELECT g.since < g.until FROM groups AS g WHERE g.id = own.group_id AND g.until = 9223372036854775807)) END
        FROM unnest($1, $2) AS asked(name, more)
        JOIN users AS u ON u.name = asked.name
        CROSS JOIN LATERAL (SELECT count(*) AS n FROM memberships AS m WHERE m.user_id = u.id AND m.until = 9223372036854775807) AS open
        """;

    public const string ReadFilters = """
        SELECT s.user_id, s.filter
        FROM unnest($1, $2) AS asked(user_name, filter)
        JOIN users AS u ON u.name = asked.user_name
        JOIN subscriptions AS s ON s.user_id = u.id AND s.until = 9223372036854775807 AND s.filter = asked.filter
        """;

    public const string CountFilters = """
        SELECT u.id, (SELECT count(*) FROM subscriptions AS s WHERE s.user_id = u.id AND s.until = 9223372036854775807)
        FROM users AS u WHERE u.name = ANY ($1)
        """;

    public const string ReadKeys = "SELECT id FROM api_keys WHERE id = ANY ($1)";

    /// <summary>Last: an attempt that committed while the rest was read is then found, whatever the rest saw of it.</summary>
    public const string ReadBatch = "SELECT first_version, last_version, coalesce(answers, '') FROM appends WHERE batch_id = $1";

    public const string ReadEntries = """
        SELECT version, id, kind, name, published_at, content FROM notifications
        WHERE version BETWEEN $1 AND $2 ORDER BY version
        """;

    public const string SetRulesRevision = "UPDATE directory SET rules_revision = $1";

    public const string SetKeysStored = "UPDATE directory SET keys_stored = true WHERE NOT keys_stored";

    /// <summary>A group that ends before it is active may have members filled in: the upkeep closes them.</summary>
    public const string EndGroups = """
        UPDATE groups SET until = ended.until, pending = false, lease_owner = NULL, lease_expires_at = NULL,
                          rule_revision = CASE WHEN rule IS NULL THEN rule_revision ELSE $3 END,
                          members = CASE WHEN since = 9223372036854775807 THEN greatest(members, 1) ELSE members END
        FROM unnest($1, $2) AS ended(id, until) WHERE groups.id = ended.id
        """;

    public const string AddGroups = """
        INSERT INTO groups (id, name, rule, since, until, rule_revision, pending, members)
        SELECT added.id, added.name, added.rule, added.since, added.until, $6, added.rule IS NOT NULL AND added.until = 9223372036854775807, 0
        FROM unnest($1, $2, $3, $4, $5) AS added(id, name, rule, since, until)
        """;

    public const string SetRules = """
        UPDATE groups SET rule = changed.rule, rule_revision = $3, pending = true, lease_owner = NULL, lease_expires_at = NULL
        FROM unnest($1, $2) AS changed(id, rule) WHERE groups.id = changed.id
        """;

    public const string CountMembers = """
        UPDATE groups SET members = members + changed.by FROM unnest($1, $2) AS changed(id, by) WHERE groups.id = changed.id
        """;

    /// <summary>Row by row: by old statistics a join was planned from all memberships there are, under the log's lock.</summary>
    public const string EndMemberships = """
        UPDATE memberships AS m SET until = found.until
        FROM (SELECT own.place, ended.until
              FROM unnest($1, $2, $3) AS ended(group_id, user_id, until)
              CROSS JOIN LATERAL (SELECT ctid AS place FROM memberships
                                  WHERE group_id = ended.group_id AND user_id = ended.user_id AND until = 9223372036854775807 OFFSET 0) AS own
              OFFSET 0) AS found
        WHERE m.ctid = found.place
        """;

    public const string AddMemberships = """
        INSERT INTO memberships (group_id, user_id, since, until) SELECT * FROM unnest($1, $2, $3, $4)
        """;

    public const string EndFilters = """
        UPDATE subscriptions AS s SET until = ended.until
        FROM unnest($1, $2, $3) AS ended(user_id, filter, until)
        WHERE s.user_id = ended.user_id AND s.filter = ended.filter AND s.until = 9223372036854775807
          AND s.user_id = ANY ($1) -- whichever way round the planner joins
        """;

    public const string AddFilters = """
        INSERT INTO subscriptions (user_id, filter, since, until) SELECT * FROM unnest($1, $2, $3, $4)
        """;

    public const string RemoveKeys = "DELETE FROM api_keys WHERE id = ANY ($1)";

    public const string AddKey = """
        INSERT INTO api_keys (id, number, name, hash, publish, subscribe, admin, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """;

    public const string SetRevocations = """
        INSERT INTO token_revocations (user_id, issued_before, version) SELECT * FROM unnest($1, $2, $3)
        ON CONFLICT (user_id) DO UPDATE SET issued_before = excluded.issued_before, version = excluded.version
        """;

    public const string AddEntries = """
        INSERT INTO notifications (version, id, kind, name, topic_seq, published_at, content)
        SELECT $1 + added.position, added.id, added.kind, added.name, 0, $2, added.content
        FROM unnest($3, $4, $5, $6) WITH ORDINALITY AS added(id, kind, name, content, position)
        """;

    public const string AddBatch = """
        INSERT INTO appends (last_version, first_version, batch_id, appended_at, last_change, answers)
        VALUES ($1, $2, $3, $4, $1, $5)
        """;
}
