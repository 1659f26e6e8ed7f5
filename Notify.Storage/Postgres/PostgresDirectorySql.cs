namespace Notify.Storage.Postgres;

/// <summary>What is read of people, and the writes that need no entry of the log.</summary>
/// <remarks>
/// 9223372036854775807 is <see cref="Directory.Interval.Open"/>, written out so that the partial indexes serve. A table of one row is
/// read by its key, <c>id = 1</c>, where it is joined: without a condition the only way to it is a scan, which is switched off by an
/// enormous cost, and beside that every plan of the rest looks equally good.
/// </remarks>
internal static class PostgresDirectorySql
{
    private const string Log = """
        SELECT log_head.epoch, log_head.oldest, coalesce(last.last_version, 0) AS head, coalesce(last.last_change, 0) AS last_change
        FROM log_head LEFT JOIN (SELECT last_version, last_change FROM appends ORDER BY last_version DESC LIMIT 1) AS last ON true
        WHERE log_head.id = 1
        """;

    /// <summary>
    /// One statement, so one snapshot: what is read is complete up to the head that is read with it. Intervals that ended
    /// below the oldest version kept concern no session any more.
    /// </summary>
    public const string People = $"""
        WITH log AS MATERIALIZED ({Log}
        ), asked AS MATERIALIZED (
            SELECT given.position, u.id, given.device
            FROM unnest($1, $2) WITH ORDINALITY AS given(name, device, position) JOIN users AS u ON u.name = given.name
        )
        SELECT 0, 0::bigint, log.last_change, NULL::text, log.oldest, log.head, log.epoch, clock_timestamp() FROM log
        UNION ALL
        SELECT 1, asked.position, asked.id, NULL, 0, 0, NULL, NULL FROM asked
        UNION ALL
        SELECT 2, asked.position, g.id, g.name, greatest(m.since, g.since), least(m.until, g.until), NULL, NULL
        FROM log CROSS JOIN asked
        JOIN memberships AS m ON m.user_id = asked.id AND m.until >= log.oldest
        JOIN groups AS g ON g.id = m.group_id
        WHERE g.until >= log.oldest AND greatest(m.since, g.since) < least(m.until, g.until)
        UNION ALL
        SELECT 3, asked.position, 0, s.filter, s.since, s.until, NULL, NULL
        FROM log CROSS JOIN asked JOIN subscriptions AS s ON s.user_id = asked.id AND s.until >= log.oldest
        UNION ALL
        SELECT 4, asked.position, d.version, NULL, 0, 0, NULL, NULL
        FROM log CROSS JOIN asked JOIN devices AS d ON d.user_id = asked.id AND d.device = asked.device AND d.epoch = log.epoch
        """;

    public const string UsersByNumber = "SELECT id, name FROM users WHERE id = ANY ($1)";

    public const string UsersByName = "SELECT id, name FROM users WHERE name = ANY ($1)";

    private const string Groups = "SELECT id, name, rule, pending, members, since, until FROM groups";

    public const string GroupsByNumber = $"{Groups} WHERE id = ANY ($1)";

    public const string GroupByName = $"{Groups} WHERE name = $1 AND until = 9223372036854775807";

    public const string ListGroups = $"""
        {Groups}
        WHERE until = 9223372036854775807 AND name >= $1 AND name <= $2 AND name > $3 AND starts_with(name, $1)
        ORDER BY name LIMIT $4
        """;

    public const string ListMembers = """
        SELECT u.id, u.name
        FROM (SELECT m.user_id FROM memberships AS m
              WHERE m.group_id = $1 AND m.user_id > $2 AND m.until = 9223372036854775807
                AND EXISTS (SELECT FROM groups AS g WHERE g.id = $1 AND g.until = 9223372036854775807 AND g.since < g.until)
              ORDER BY m.user_id LIMIT $3) AS page
        JOIN users AS u ON u.id = page.user_id
        ORDER BY u.id
        """;

    public const string FindMembers = $"""
        SELECT log.epoch, log.head, log.oldest, log.last_change,
               (SELECT coalesce(array_agg(m.user_id), ARRAY[]::bigint[])
                FROM unnest($2) AS asked(user_id)
                JOIN memberships AS m ON m.group_id = $1 AND m.user_id = asked.user_id AND m.until = 9223372036854775807
                WHERE EXISTS (SELECT FROM groups AS g WHERE g.id = $1 AND g.until = 9223372036854775807 AND g.since < g.until))
        FROM ({Log}) AS log
        """;

    /// <summary>User by user: a join might be planned from the group's members, perhaps a million.</summary>
    public const string ReadHeld = $"""
        SELECT log.epoch, log.head, log.oldest, log.last_change, held.user_id, held.since, held.until
        FROM ({Log}) AS log
        LEFT JOIN (SELECT asked.user_id, greatest(m.since, g.since) AS since, least(m.until, g.until) AS until
                   FROM (SELECT since, until FROM groups WHERE id = $1 AND since < until) AS g
                   CROSS JOIN unnest($2) AS asked(user_id)
                   CROSS JOIN LATERAL (SELECT since, until FROM memberships
                                       WHERE user_id = asked.user_id AND until > g.since AND group_id = $1 OFFSET 0) AS m
                   WHERE greatest(m.since, g.since) < least(m.until, g.until)) AS held ON true
        """;

    /// <summary>
    /// Sorted, not from an index: a user has a bounded number of them. Each name is looked up by itself, so that no statistics,
    /// however old, make the planner go through all groups or all memberships: there is no join for it to order.
    /// </summary>
    public const string ListGroupsOf = """
        SELECT name
        FROM (SELECT (SELECT g.name FROM groups AS g
                      WHERE g.id = own.group_id AND g.until = 9223372036854775807 AND g.since < g.until) AS name
              FROM (SELECT m.group_id FROM memberships AS m
                    WHERE m.user_id = (SELECT id FROM users WHERE name = $1) AND m.until = 9223372036854775807 OFFSET 0) AS own
              OFFSET 0) AS named
        WHERE name > $2 ORDER BY name LIMIT $3
        """;

    public const string ListFilters = """
        SELECT s.filter
        FROM users AS u JOIN subscriptions AS s ON s.user_id = u.id AND s.until = 9223372036854775807
        WHERE u.name = $1 AND s.filter > $2
        ORDER BY s.filter LIMIT $3
        """;

    /// <summary>
    /// In one order, so that nodes that store the same devices do not wait for each other in a circle. Only in the present
    /// epoch of the log; a number of another epoch is replaced.
    /// </summary>
    public const string Acknowledge = """
        INSERT INTO devices (user_id, device, epoch, version, seen_at)
        SELECT given.user_id, given.device, given.epoch, given.version, clock_timestamp()
        FROM unnest($1, $2, $3, $4) AS given(user_id, device, epoch, version)
        WHERE given.epoch = (SELECT epoch FROM log_head)
        ORDER BY given.user_id, given.device
        ON CONFLICT (user_id, device) DO UPDATE SET
            version = CASE WHEN devices.epoch = excluded.epoch THEN greatest(devices.version, excluded.version) ELSE excluded.version END,
            epoch = excluded.epoch, seen_at = excluded.seen_at
        """;

    public const string ForgetDevices = """
        DELETE FROM devices
        USING (SELECT d.user_id, d.device
               FROM unnest($1) AS asked(user_id)
               CROSS JOIN LATERAL (SELECT user_id, device FROM devices WHERE devices.user_id = asked.user_id
                                   ORDER BY seen_at DESC, device OFFSET $2) AS d) AS old
        WHERE devices.user_id = old.user_id AND devices.device = old.device
        """;

    public const string ListDevices = """
        SELECT d.device, CASE WHEN d.epoch = log_head.epoch THEN d.version ELSE 0 END, d.seen_at
        FROM log_head CROSS JOIN users AS u JOIN devices AS d ON d.user_id = u.id
        WHERE log_head.id = 1 AND u.name = $1 AND d.device > $2
        ORDER BY d.device LIMIT $3
        """;

    public const string ForgetDevice = "DELETE FROM devices USING users AS u WHERE u.name = $1 AND devices.user_id = u.id AND devices.device = $2";

    public const string ReadAttributes = """
        SELECT directory.rules_revision, given.position, u.id, u.attributes::text, u.attributes_stamp, u.claims_issued_at
        FROM directory CROSS JOIN unnest($1) WITH ORDINALITY AS given(name, position) JOIN users AS u ON u.name = given.name
        WHERE directory.id = 1
        """;

    public const string RulesRevision = "SELECT directory.rules_revision, log_head.epoch FROM directory CROSS JOIN log_head";

    public const string ReadRuledGroups = """
        SELECT given.position, m.group_id
        FROM unnest($1) WITH ORDINALITY AS given(name, position)
        JOIN users AS u ON u.name = given.name
        JOIN memberships AS m ON m.user_id = u.id AND m.until = 9223372036854775807
        JOIN groups AS g ON g.id = m.group_id AND g.rule IS NOT NULL AND g.until = 9223372036854775807 AND g.since < g.until
        """;

    /// <summary>
    /// The rules' row first, shared, then the users in ordinal order: as every change of memberships by rule holds them. A
    /// statement of its own, so that the next one's snapshot has what was waited for.
    /// </summary>
    public const string HoldAttributes = """
        WITH rules AS MATERIALIZED (
            SELECT rules_revision FROM directory WHERE rules_revision = $1 FOR SHARE
        )
        SELECT u.id
        FROM rules CROSS JOIN unnest($2, $3) AS given(id, stamp)
        JOIN users AS u ON u.id = given.id AND u.attributes_stamp = given.stamp AND u.id = ANY ($2)
        ORDER BY u.name
        FOR UPDATE OF u
        """;

    /// <summary>A revision, a stamp or a membership that is another one by now leaves the row out.</summary>
    public const string StoreAttributes = """
        UPDATE users SET attributes = given.attributes::jsonb, claims_issued_at = given.claims_issued_at,
                         attributes_stamp = greatest(pg_current_xact_id()::text::bigint, users.attributes_stamp + 1)
        FROM unnest($2, $3, $4, $5) AS given(id, stamp, attributes, claims_issued_at)
        WHERE users.id = given.id AND users.attributes_stamp = given.stamp AND users.id = ANY ($2)
          AND EXISTS (SELECT FROM directory WHERE rules_revision = $1)
          AND NOT EXISTS (SELECT FROM unnest($6, $7, $8) AS found(user_id, group_id, is_member)
                          WHERE found.user_id = given.id
                            AND found.is_member <> EXISTS (SELECT FROM memberships AS m WHERE m.group_id = found.group_id
                                                           AND m.user_id = found.user_id AND m.until = 9223372036854775807))
        RETURNING users.id
        """;

    private const string Keys = "SELECT number, id, name, hash, publish, subscribe, admin, created_at, expires_at, last_used_at FROM api_keys";

    public const string KeyById = $"{Keys} WHERE id = $1";

    public const string ListKeys = $"{Keys} WHERE number > $1 ORDER BY number LIMIT $2";

    public const string WereKeysStored = "SELECT keys_stored FROM directory";

    public const string UseKeys = """
        UPDATE api_keys SET last_used_at = used.at
        FROM (SELECT id, at FROM unnest($1, $2) AS given(id, at) ORDER BY id) AS used
        WHERE api_keys.id = used.id AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < used.at)
        """;

    public const string ListRevocations = $"""
        SELECT log.epoch, log.head, log.oldest, log.last_change, page.user_id, page.name, page.issued_before, page.version
        FROM ({Log}) AS log
        LEFT JOIN (SELECT r.user_id, u.name, r.issued_before, r.version
                   FROM token_revocations AS r JOIN users AS u ON u.id = r.user_id
                   WHERE r.user_id > $1 ORDER BY r.user_id LIMIT $2) AS page ON true
        ORDER BY page.user_id
        """;

    public const string RevocationOf = """
        SELECT r.user_id, u.name, r.issued_before, r.version
        FROM users AS u JOIN token_revocations AS r ON r.user_id = u.id WHERE u.name = $1
        """;

    /// <summary>
    /// Memberships of groups that have ended are closed afterwards, a step at a time and without the log's lock: they hold
    /// no longer than their group anyway. Until then they would be looked at with every reading of their users.
    /// </summary>
    public const string CloseEnded = """
        WITH ended AS (
            SELECT id, until FROM groups WHERE members > 0 AND until <> 9223372036854775807 ORDER BY id LIMIT 1
        ), open AS MATERIALIZED (
            SELECT m.place, ended.until
            FROM ended CROSS JOIN LATERAL (SELECT ctid AS place FROM memberships WHERE group_id = ended.id AND until = 9223372036854775807 LIMIT $1) AS m
        ), closed AS (
            UPDATE memberships AS m SET until = open.until FROM open WHERE m.ctid = open.place
        ), done AS (
            UPDATE groups SET members = 0 FROM ended WHERE groups.id = ended.id AND (SELECT count(*) FROM open) < $1
        )
        SELECT count(*) FROM ended
        """;

    private const string KeptFrom = "(SELECT least(oldest, (SELECT min(version) FROM inbox_kept)) FROM log_head)";

    /// <summary>What ended before everything that is kept, in the log or in inboxes, says nothing of anything any more.</summary>
    public const string ForgetMemberships = $"""
        DELETE FROM memberships WHERE (user_id, until, group_id) IN
            (SELECT user_id, until, group_id FROM memberships WHERE until <> 9223372036854775807 AND until < {KeptFrom} ORDER BY until LIMIT $1)
        """;

    public const string ForgetFilters = """
        DELETE FROM subscriptions WHERE (user_id, until, filter) IN
            (SELECT user_id, until, filter FROM subscriptions
             WHERE until <> 9223372036854775807 AND until < (SELECT oldest FROM log_head) ORDER BY until LIMIT $1)
        """;

    /// <summary>After their memberships: those that were still open were closed with the group's end.</summary>
    public const string ForgetGroups = $"""
        DELETE FROM groups WHERE id IN
            (SELECT g.id FROM groups AS g
             WHERE g.until <> 9223372036854775807 AND g.until < {KeptFrom} AND g.members = 0
               AND NOT EXISTS (SELECT FROM memberships AS m WHERE m.group_id = g.id AND m.until = 9223372036854775807)
             ORDER BY g.until LIMIT $1)
        """;
}
