namespace Notify.Storage.Sqlite;

/// <summary>What is read of people, and the writes that need no entry of the log.</summary>
internal static class SqliteDirectorySql
{
    public const string UserByName = "SELECT id, name FROM users WHERE name = ?1";

    public const string UserByNumber = "SELECT id, name FROM users WHERE id = ?1";

    public const string Memberships = """
        SELECT g.id, g.name, max(m.since, g.since), min(m.until, g.until)
        FROM memberships AS m JOIN groups AS g ON g.id = m.group_id
        WHERE m.user_id = ?1 AND m.until >= ?2 AND g.until >= ?2 AND max(m.since, g.since) < min(m.until, g.until)
        """;

    public const string Filters = "SELECT filter, since, until FROM subscriptions WHERE user_id = ?1 AND until >= ?2";

    public const string DeviceVersion = "SELECT version FROM devices WHERE user_id = ?1 AND device = ?2 AND epoch = ?3";

    private const string Groups = "SELECT id, name, rule, pending, members, since, until FROM groups";

    public const string GroupByNumber = $"{Groups} WHERE id = ?1";

    public const string GroupByName = $"{Groups} WHERE name = ?1 AND until = 9223372036854775807";

    public const string ListGroups = $"""
        {Groups}
        WHERE until = 9223372036854775807 AND name >= ?1 AND name <= ?2 AND name > ?3 AND substr(name, 1, length(?1)) = ?1
        ORDER BY name LIMIT ?4
        """;

    public const string IsActive = "SELECT 1 FROM groups WHERE id = ?1 AND until = 9223372036854775807 AND since < until";

    public const string ListMembers = """
        SELECT u.id, u.name FROM memberships AS m JOIN users AS u ON u.id = m.user_id
        WHERE m.group_id = ?1 AND m.user_id > ?2 AND m.until = 9223372036854775807 ORDER BY m.user_id LIMIT ?3
        """;

    public const string FindMember = "SELECT 1 FROM memberships WHERE group_id = ?1 AND user_id = ?2 AND until = 9223372036854775807";

    public const string Held = """
        SELECT max(m.since, g.since), min(m.until, g.until)
        FROM groups AS g JOIN memberships AS m ON m.user_id = ?2 AND m.until > g.since AND m.group_id = g.id
        WHERE g.id = ?1 AND g.since < g.until AND max(m.since, g.since) < min(m.until, g.until)
        """;

    public const string ListGroupsOf = """
        SELECT g.name
        FROM users AS u
        JOIN memberships AS m ON m.user_id = u.id AND m.until = 9223372036854775807
        JOIN groups AS g ON g.id = m.group_id AND g.until = 9223372036854775807 AND g.since < g.until
        WHERE u.name = ?1 AND g.name > ?2 ORDER BY g.name LIMIT ?3
        """;

    public const string ListFilters = """
        SELECT s.filter FROM users AS u JOIN subscriptions AS s ON s.user_id = u.id AND s.until = 9223372036854775807
        WHERE u.name = ?1 AND s.filter > ?2 ORDER BY s.filter LIMIT ?3
        """;

    public const string Acknowledge = """
        INSERT INTO devices (user_id, device, epoch, version, seen_at)
        SELECT ?1, ?2, ?3, ?4, ?5 FROM log_head WHERE epoch = ?3
        ON CONFLICT (user_id, device) DO UPDATE SET
            version = CASE WHEN devices.epoch = excluded.epoch THEN max(devices.version, excluded.version) ELSE excluded.version END,
            epoch = excluded.epoch, seen_at = excluded.seen_at
        """;

    public const string ForgetDevices = """
        DELETE FROM devices WHERE user_id = ?1 AND device IN
            (SELECT device FROM devices WHERE user_id = ?1 ORDER BY seen_at DESC, device LIMIT -1 OFFSET ?2)
        """;

    public const string ListDevices = """
        SELECT d.device, CASE WHEN d.epoch = (SELECT epoch FROM log_head) THEN d.version ELSE 0 END, d.seen_at
        FROM users AS u JOIN devices AS d ON d.user_id = u.id
        WHERE u.name = ?1 AND d.device > ?2 ORDER BY d.device LIMIT ?3
        """;

    public const string ForgetDevice = "DELETE FROM devices WHERE user_id = (SELECT id FROM users WHERE name = ?1) AND device = ?2";

    public const string Attributes = "SELECT id, attributes, attributes_stamp, claims_issued_at FROM users WHERE name = ?1";

    public const string RuledGroups = """
        SELECT m.group_id FROM memberships AS m JOIN groups AS g ON g.id = m.group_id
        WHERE m.user_id = ?1 AND m.until = 9223372036854775807 AND g.rule IS NOT NULL AND g.until = 9223372036854775807 AND g.since < g.until
        """;

    public const string RulesRevision = "SELECT rules_revision FROM directory";

    public const string NextStamp = "UPDATE directory SET stamp = stamp + 1 WHERE rules_revision = ?1 RETURNING stamp";

    public const string StoreAttributes = """
        UPDATE users SET attributes = ?3, claims_issued_at = ?4, attributes_stamp = ?5 WHERE id = ?1 AND attributes_stamp = ?2
        """;

    private const string Keys = "SELECT number, id, name, hash, publish, subscribe, admin, created_at, expires_at, last_used_at FROM api_keys";

    public const string KeyById = $"{Keys} WHERE id = ?1";

    public const string ListKeys = $"{Keys} WHERE number > ?1 ORDER BY number LIMIT ?2";

    public const string WereKeysStored = "SELECT keys_stored FROM directory";

    public const string UseKey = "UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";

    private const string Revocations = "SELECT r.user_id, u.name, r.issued_before, r.version FROM token_revocations AS r JOIN users AS u ON u.id = r.user_id";

    public const string ListRevocations = $"{Revocations} WHERE r.user_id > ?1 ORDER BY r.user_id LIMIT ?2";

    public const string RevocationOf = $"{Revocations} WHERE u.name = ?1";

    public const string EndedGroup = "SELECT id, until FROM groups WHERE members > 0 AND until <> 9223372036854775807 LIMIT 1";

    public const string CloseEnded = """
        UPDATE memberships SET until = ?2 WHERE group_id = ?1 AND until = 9223372036854775807 AND user_id IN
            (SELECT user_id FROM memberships WHERE group_id = ?1 AND until = 9223372036854775807 LIMIT ?3)
        """;

    private const string KeptFrom = "(SELECT min(oldest, coalesce((SELECT min(version) FROM inbox_kept), oldest)) FROM log_head)";

    /// <summary>What ended before everything that is kept, in the log or in inboxes, says nothing of anything any more.</summary>
    public const string ForgetMemberships = $"""
        DELETE FROM memberships WHERE (user_id, until, group_id) IN
            (SELECT user_id, until, group_id FROM memberships WHERE until <> 9223372036854775807 AND until < {KeptFrom} ORDER BY until LIMIT ?1)
        """;

    public const string ForgetFilters = """
        DELETE FROM subscriptions WHERE (user_id, until, filter) IN
            (SELECT user_id, until, filter FROM subscriptions
             WHERE until <> 9223372036854775807 AND until < (SELECT oldest FROM log_head) ORDER BY until LIMIT ?1)
        """;

    /// <summary>After their memberships: those that were still open were closed with the group's end.</summary>
    public const string ForgetGroups = $"""
        DELETE FROM groups WHERE id IN
            (SELECT g.id FROM groups AS g
             WHERE g.until <> 9223372036854775807 AND g.until < {KeptFrom} AND g.members = 0
               AND NOT EXISTS (SELECT 1 FROM memberships AS m WHERE m.group_id = g.id AND m.until = 9223372036854775807)
             ORDER BY g.until LIMIT ?1)
        """;
}
