namespace Notify.Storage.Postgres;

/// <summary>Rules at work: claims, differences, fills, and what a batch of changes asks about rules.</summary>
/// <remarks>9223372036854775807 is <see cref="Directory.Interval.Open"/>, written out so that the partial indexes serve.</remarks>
internal static class PostgresRuleSql
{
    // Silent: a value of another type makes a rule unknown, which is null here, and unknown is no member.
    private const string Satisfied = "coalesce(jsonb_path_match(u.attributes, $2, $3, true), false)";

    /// <summary>Not visible in a snapshot: changed since. The bound is for the index.</summary>
    private const string ChangedSince = """
        u.attributes_stamp >= pg_snapshot_xmin($4::text::pg_snapshot)::text::bigint
        AND NOT pg_visible_in_snapshot(u.attributes_stamp::text::xid8, $4::text::pg_snapshot)
        """;

    // OFFSET 0: looked up by the index for each user. Joined instead, a table that no ANALYZE has seen since it grew is taken for a small
    // one, and read once for every user.
    private const string IsMember =
        "EXISTS (SELECT FROM memberships AS m WHERE m.group_id = $1 AND m.user_id = u.id AND m.until = 9223372036854775807 OFFSET 0)";

    public const string ReadRules = """
        SELECT log_head.epoch, directory.rules_revision, g.id, g.rule, g.rule_revision, g.since < g.until, g.until <> 9223372036854775807
        FROM directory CROSS JOIN log_head
        LEFT JOIN groups AS g ON g.rule IS NOT NULL AND g.rule_revision > $1 AND ($1 >= 0 OR g.until = 9223372036854775807)
        WHERE directory.id = 1 AND log_head.id = 1
        """;

    public const string Claim = """
        UPDATE groups SET lease_owner = $1, lease_expires_at = clock_timestamp() + $2
        WHERE id = (SELECT id FROM groups
                    WHERE pending AND until = 9223372036854775807 AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp())
                    ORDER BY rule_revision, id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, rule, rule_revision, since < until
        """;

    public const string CountPending = "SELECT count(*) FROM groups WHERE pending AND until = 9223372036854775807";

    public const string Renew = """
        UPDATE groups SET lease_expires_at = clock_timestamp() + $4
        WHERE id = $1 AND lease_owner = $2 AND rule_revision = $3 AND pending AND until = 9223372036854775807
        """;

    public const string Finish = """
        UPDATE groups SET pending = false, lease_owner = NULL, lease_expires_at = NULL
        WHERE id = $1 AND lease_owner = $2 AND rule_revision = $3 AND until = 9223372036854775807
        """;

    /// <summary>Rows of a group that ended before it was active are closed as those of other groups that ended.</summary>
    public const string Abandon = """
        UPDATE groups SET members = greatest(members, 1) WHERE id = $1 AND until <> 9223372036854775807 AND since >= until
        """;

    public const string Compare = $"""
        WITH slice AS MATERIALIZED (
            SELECT u.id, u.attributes_stamp AS stamp, {Satisfied} AS satisfied
            FROM (SELECT id, attributes, attributes_stamp FROM users WHERE id > $4 ORDER BY id LIMIT $5) AS u
        )
        SELECT last.id, last.n, s.id, s.stamp, s.satisfied
        FROM (SELECT max(id) AS id, count(*) AS n FROM slice) AS last
        LEFT JOIN (SELECT u.id, u.stamp, u.satisfied
                   FROM slice AS u
                   WHERE u.satisfied <> {IsMember}) AS s ON true
        ORDER BY s.id
        """;

    /// <summary>
    /// One fill of a group at a time, whichever owner's it is: the step of an owner that has lost its lease ends before the first one
    /// of the next owner, and later ones find no work. Not a lock of the group's row, which changes under the log's lock need.
    /// </summary>
    public const string HoldFill = "SELECT pg_advisory_xact_lock(hashtext('notify fill ' || current_schema()), hashint8($1))";

    private const string OwnFill = """
        SELECT FROM groups
        WHERE id = $1 AND lease_owner = $5 AND rule_revision = $6 AND until = 9223372036854775807 AND since = 9223372036854775807
        """;

    /// <summary>Where nothing was filled in yet, no user is looked up.</summary>
    private const string WriteFill = $"""
        removed AS (
            DELETE FROM memberships AS m
            USING (SELECT own.place
                   FROM slice CROSS JOIN LATERAL (SELECT ctid AS place FROM memberships
                                                  WHERE group_id = $1 AND user_id = slice.id AND until = 9223372036854775807 OFFSET 0) AS own
                   WHERE NOT slice.satisfied AND NOT (SELECT first FROM untouched) OFFSET 0) AS gone
            WHERE m.ctid = gone.place
        ), added AS (
            INSERT INTO memberships (group_id, user_id, since, until)
            SELECT $1, u.id, 0, 9223372036854775807 FROM slice AS u
            WHERE u.satisfied AND ((SELECT first FROM untouched) OR NOT {IsMember})
        )
        SELECT pg_current_snapshot()::text, count(*), max(id), EXISTS (SELECT FROM work) FROM slice
        """;

    public const string Fill = $"""
        WITH work AS MATERIALIZED ({OwnFill}), slice AS MATERIALIZED (
            SELECT u.id, {Satisfied} AS satisfied
            FROM work CROSS JOIN (SELECT id, attributes FROM users WHERE id > $4 ORDER BY id LIMIT $7) AS u
        ), untouched AS (
            SELECT NOT EXISTS (SELECT FROM memberships WHERE group_id = $1 AND user_id > $4 AND until = 9223372036854775807) AS first
        ), {WriteFill}
        """;

    public const string FillChanged = $"""
        WITH work AS MATERIALIZED ({OwnFill}), slice AS MATERIALIZED (
            SELECT u.id, {Satisfied} AS satisfied FROM work CROSS JOIN users AS u WHERE {ChangedSince}
        ), untouched AS (SELECT false AS first), {WriteFill}
        """;

    /// <summary>
    /// Stamps of a database that was restored from another cluster are above all of its transactions, and would be changed since
    /// every snapshot.
    /// </summary>
    public const string LowerStamps = """
        UPDATE users SET attributes_stamp = pg_current_xact_id()::text::bigint
        WHERE attributes_stamp >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        """;

    public const string CountFilled = "SELECT count(*) FROM memberships WHERE group_id = $1 AND until = 9223372036854775807";

    public const string Preview = """
        WITH slice AS MATERIALIZED (
            SELECT u.id, u.name, coalesce(jsonb_path_match(u.attributes, $1, $2, true), false) AS satisfied
            FROM (SELECT id, name, attributes FROM users WHERE id > $3 ORDER BY id LIMIT $4) AS u
        )
        SELECT count(*), count(*) FILTER (WHERE satisfied), max(id),
               ARRAY(SELECT name FROM slice WHERE satisfied ORDER BY id LIMIT $5)
        FROM slice
        """;

    public const string ShareRules = "SELECT 1 FROM directory FOR SHARE";

    public const string HoldRules = "SELECT 1 FROM directory FOR UPDATE";

    public const string HoldGroups = "SELECT 1 FROM groups WHERE id = ANY ($1) ORDER BY name, id FOR UPDATE";

    /// <summary>In the order in which attributes are stored without the log's lock. By one index: either of two would be a look at all users.</summary>
    public const string HoldUsers = """
        SELECT 1 FROM users WHERE id = ANY (ARRAY(SELECT id FROM users WHERE name = ANY ($1)) || $2) ORDER BY name FOR UPDATE
        """;

    public const string ReadAttributes = """
        SELECT name, id, attributes::text, attributes_stamp, claims_issued_at FROM users WHERE name = ANY ($1)
        """;

    /// <summary>Those of groups that are not active yet too.</summary>
    public const string ReadMemberships = """
        SELECT m.group_id, m.user_id
        FROM users AS u JOIN memberships AS m ON m.user_id = u.id AND m.until = 9223372036854775807
        WHERE u.name = ANY ($1)
        """;

    public const string ReadWork = """
        SELECT id, rule_revision, lease_owner, since < until FROM groups WHERE id = ANY ($1) AND until = 9223372036854775807
        """;

    /// <summary>Evaluated under the lock only for those whose attributes changed since: the others' may be large.</summary>
    public const string Evaluate = $"""
        SELECT given.id, CASE WHEN u.attributes_stamp = given.stamp THEN given.satisfied ELSE {Satisfied} END, {IsMember}
        FROM unnest($4, $5, $6) AS given(id, stamp, satisfied)
        JOIN users AS u ON u.id = given.id AND u.id = ANY ($4)
        """;

    public const string EvaluateChanged = $"""
        SELECT u.id, {Satisfied}, {IsMember}
        FROM users AS u
        WHERE {ChangedSince}
        LIMIT $5
        """;

    public const string SetAttributes = """
        UPDATE users SET attributes = given.attributes::jsonb, claims_issued_at = given.claims_issued_at,
                         attributes_stamp = greatest(pg_current_xact_id()::text::bigint, users.attributes_stamp + 1)
        FROM unnest($1, $2, $3) AS given(id, attributes, claims_issued_at) WHERE users.id = given.id AND users.id = ANY ($1)
        """;

    public const string Activate = """
        UPDATE groups SET since = $2, members = $3, rule_revision = $4, pending = false, lease_owner = NULL, lease_expires_at = NULL WHERE id = $1
        """;
}
