using System.Text.Json;
using Notify.Storage.Directory;

namespace Notify.Storage.Sqlite;

/// <summary>Writes the rows of a decided batch of changes.</summary>
internal static class SqliteChangeWrites
{
    private const string EndGroup = """
        UPDATE groups SET until = ?2, pending = 0, lease_owner = NULL, lease_expires_at = NULL,
                          rule_revision = CASE WHEN rule IS NULL THEN rule_revision ELSE ?3 END,
                          members = CASE WHEN since = 9223372036854775807 THEN max(members, 1) ELSE members END
        WHERE id = ?1
        """;

    private const string Activate = """
        UPDATE groups SET since = ?2, members = ?3, rule_revision = ?4, pending = 0, lease_owner = NULL, lease_expires_at = NULL WHERE id = ?1
        """;

    private const string NextStamp = "UPDATE directory SET stamp = stamp + 1 RETURNING stamp";

    private const string SetAttributes = "UPDATE users SET attributes = ?2, claims_issued_at = ?3, attributes_stamp = ?4 WHERE id = ?1";

    private const string AddGroup = """
        INSERT INTO groups (id, name, rule, since, until, rule_revision, pending, members)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?3 IS NOT NULL AND ?5 = 9223372036854775807, 0)
        """;

    private const string SetRule = "UPDATE groups SET rule = ?2, rule_revision = ?3, pending = 1, lease_owner = NULL, lease_expires_at = NULL WHERE id = ?1";

    private const string CountMembers = "UPDATE groups SET members = members + ?2 WHERE id = ?1";

    private const string EndMembership = """
        UPDATE memberships SET until = ?3 WHERE group_id = ?1 AND user_id = ?2 AND until = 9223372036854775807
        """;

    private const string AddMembership = "INSERT INTO memberships (group_id, user_id, since, until) VALUES (?1, ?2, ?3, ?4)";

    private const string EndFilter = "UPDATE subscriptions SET until = ?3 WHERE user_id = ?1 AND filter = ?2 AND until = 9223372036854775807";

    private const string AddFilter = "INSERT INTO subscriptions (user_id, filter, since, until) VALUES (?1, ?2, ?3, ?4)";

    private const string AddKey = """
        INSERT INTO api_keys (id, number, name, hash, publish, subscribe, admin, created_at, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        """;

    private const string SetRevocation = """
        INSERT INTO token_revocations (user_id, issued_before, version) VALUES (?1, ?2, ?3)
        ON CONFLICT (user_id) DO UPDATE SET issued_before = excluded.issued_before, version = excluded.version
        """;

    public static void Write(SqliteStatements statements, DirectoryWrites writes, DateTimeOffset now)
    {
        WriteGroups(statements, writes);
        foreach (var (user, (json, claimsIssuedAt)) in writes.Attributes)
            statements.Execute(SetAttributes, user, json, claimsIssuedAt?.ToUnixTimeMilliseconds(), (long)statements.Scalar(NextStamp)!);
        foreach (var (group, user, until) in writes.EndedMemberships) statements.Execute(EndMembership, group, user, until);
        foreach (var ((group, user, since), until) in writes.NewMemberships) statements.Execute(AddMembership, group, user, since, until);
        foreach (var (user, filter, until) in writes.EndedFilters) statements.Execute(EndFilter, user, filter, until);
        foreach (var ((user, filter, since), until) in writes.NewFilters) statements.Execute(AddFilter, user, filter, since, until);
        foreach (var key in writes.RevokedKeys) statements.Execute("DELETE FROM api_keys WHERE id = ?1", key);
        foreach (var (key, number) in writes.NewKeys)
        {
            statements.Execute(
                AddKey, key.Id, number, key.Name, key.Hash.ToArray(), JsonSerializer.Serialize([.. key.Publish], DirectoryJson.Default.StringArray),
                JsonSerializer.Serialize([.. key.Subscribe], DirectoryJson.Default.StringArray), key.Admin, now.ToUnixTimeMilliseconds(),
                key.ExpiresAt?.ToUnixTimeMilliseconds());
        }

        foreach (var (user, (issuedBefore, version)) in writes.Revocations)
            statements.Execute(SetRevocation, user, issuedBefore.ToUnixTimeMilliseconds(), version);
        SqliteInboxChanges.Write(statements, writes);
    }

    private static void WriteGroups(SqliteStatements statements, DirectoryWrites writes)
    {
        if (writes.RulesRevision is { } revision) statements.Execute("UPDATE directory SET rules_revision = ?1", revision);
        if (writes.NewKeys.Count > 0) statements.Execute("UPDATE directory SET keys_stored = 1 WHERE NOT keys_stored");
        foreach (var (number, until) in writes.EndedGroups) statements.Execute(EndGroup, number, until, writes.RulesRevision ?? 0);
        foreach (var (number, name, rule, since, until) in writes.NewGroups)
            statements.Execute(AddGroup, number, name, rule, since, until, writes.RulesRevision ?? 0);
        foreach (var (number, rule) in writes.NewRules) statements.Execute(SetRule, number, rule, writes.RulesRevision ?? 0);
        foreach (var (number, since, members) in writes.Activated) statements.Execute(Activate, number, since, members, writes.RulesRevision ?? 0);
        foreach (var (number, by) in writes.MemberCounts) statements.Execute(CountMembers, number, by);
    }
}
