using System.Globalization;
using Microsoft.Data.Sqlite;
using Notify.Storage.Directory;

namespace Notify.Storage.Sqlite;

/// <summary>Rules at work in the log's file: evaluated here, over a scan beside the writer, and written a step at a time.</summary>
internal sealed class SqliteRules(SqliteWriter writer, SqliteReaders readers, TimeProvider time) : IRuleDirectory
{
    /// <summary>How many memberships are written in one transaction: appends wait for it.</summary>
    private const int WrittenAStep = 1000;

    private const string ReadRules = """
        SELECT id, rule, rule_revision, since < until, until <> 9223372036854775807 FROM groups
        WHERE rule IS NOT NULL AND rule_revision > ?1 AND (?1 >= 0 OR until = 9223372036854775807)
        """;

    private const string Revision = "SELECT rules_revision FROM directory";

    private const string Claimable = """
        SELECT id, rule, rule_revision, since < until FROM groups
        WHERE pending AND until = 9223372036854775807 AND (lease_expires_at IS NULL OR lease_expires_at < ?1)
        ORDER BY rule_revision, id LIMIT 1
        """;

    private const string SetLease = "UPDATE groups SET lease_owner = ?2, lease_expires_at = ?3 WHERE id = ?1";

    private const string Renew = """
        UPDATE groups SET lease_expires_at = ?4
        WHERE id = ?1 AND lease_owner = ?2 AND rule_revision = ?3 AND pending AND until = 9223372036854775807
        """;

    private const string Finish = """
        UPDATE groups SET pending = 0, lease_owner = NULL, lease_expires_at = NULL
        WHERE id = ?1 AND lease_owner = ?2 AND rule_revision = ?3 AND until = 9223372036854775807
        """;

    private const string Abandon = "UPDATE groups SET members = max(members, 1) WHERE id = ?1 AND until <> 9223372036854775807 AND since >= until";

    private const string Slice = """
        SELECT u.id, u.attributes_stamp, u.attributes, m.user_id IS NOT NULL
        FROM (SELECT id, attributes_stamp, attributes FROM users WHERE id > ?2 ORDER BY id LIMIT ?3) AS u
        LEFT JOIN memberships AS m ON m.group_id = ?1 AND m.user_id = u.id AND m.until = 9223372036854775807
        ORDER BY u.id
        """;

    /// <summary>Users whose attributes changed after a stamp.</summary>
    internal const string ChangedSince = """
        SELECT u.id, u.attributes_stamp, u.attributes, m.user_id IS NOT NULL
        FROM users AS u LEFT JOIN memberships AS m ON m.group_id = ?1 AND m.user_id = u.id AND m.until = 9223372036854775807
        WHERE u.attributes_stamp > ?2 LIMIT ?3
        """;

    private const string OwnFill = """
        SELECT 1 FROM groups
        WHERE id = ?1 AND lease_owner = ?2 AND rule_revision = ?3 AND until = 9223372036854775807 AND since = 9223372036854775807
        """;

    private const string AddFilled = "INSERT INTO memberships (group_id, user_id, since, until) VALUES (?1, ?2, 0, 9223372036854775807) ON CONFLICT DO NOTHING";

    private const string RemoveFilled = "DELETE FROM memberships WHERE group_id = ?1 AND user_id = ?2 AND until = 9223372036854775807";

    private const string CountPending = "SELECT count(*) FROM groups WHERE pending AND until = 9223372036854775807";

    private const string CountFilled = "SELECT count(*) FROM memberships WHERE group_id = ?1 AND until = 9223372036854775807";

    private const string Candidates = "SELECT id, name, attributes FROM users WHERE id > ?1 ORDER BY id LIMIT ?2";

    public Task<RulesReading> ReadRulesAsync(long above, CancellationToken cancellationToken) => readers.ReadAsync(
        statements => Snapshot(statements, () =>
        {
            var rules = new List<StoredRule>();
            using (var rows = statements.Query(ReadRules, above))
            {
                while (rows.Read()) rules.Add(new StoredRule(rows.GetInt64(0), rows.GetString(1), rows.GetInt64(2), rows.GetBoolean(3), rows.GetBoolean(4)));
            }

            return new RulesReading(SqliteReader.ReadHead(statements).Epoch, (long)statements.Scalar(Revision)!, rules);
        }),
        cancellationToken);

    public async Task<RuleWork?> ClaimAsync(Guid owner, TimeSpan lease, CancellationToken cancellationToken)
    {
        // Looked for without the writer, which mostly has nothing to do with it.
        if (!await readers.ReadAsync(statements => statements.Scalar(Claimable, Now) is not null, cancellationToken)) return null;
        return await TransactAsync(
            statements =>
            {
                RuleWork work;
                using (var rows = statements.Query(Claimable, Now))
                {
                    if (!rows.Read()) return null;
                    work = new RuleWork(rows.GetInt64(0), rows.GetString(1), rows.GetInt64(2), rows.GetBoolean(3), owner);
                }

                statements.Execute(SetLease, work.Group, owner.ToByteArray(true), Until(lease));
                return work;
            },
            cancellationToken);
    }

    public Task<bool> RenewAsync(RuleWork work, TimeSpan lease, CancellationToken cancellationToken) =>
        TransactAsync(statements => statements.Execute(Renew, work.Group, work.Owner.ToByteArray(true), work.Revision, Until(lease)) > 0, cancellationToken);

    public Task FinishAsync(RuleWork work, CancellationToken cancellationToken) =>
        TransactAsync(statements => statements.Execute(Finish, work.Group, work.Owner.ToByteArray(true), work.Revision), cancellationToken);

    public Task AbandonAsync(RuleWork work, CancellationToken cancellationToken) =>
        TransactAsync(statements => statements.Execute(Abandon, work.Group), cancellationToken);

    public Task<RuleSlice> CompareAsync(RuleWork work, RuleTest rule, long after, int users, CancellationToken cancellationToken) => readers.ReadAsync(
        statements =>
        {
            var read = Read(statements, rule, Slice, work.Group, after, users);
            return new RuleSlice(read.Differences, read.Looked == users ? read.Last : null);
        },
        cancellationToken);

    public async Task<FillStep?> FillAsync(RuleWork work, RuleTest rule, long after, int users, CancellationToken cancellationToken)
    {
        var (mark, read) = await readers.ReadAsync(
            statements => Snapshot(statements, () => (Stamp(statements), Read(statements, rule, Slice, work.Group, after, users))), cancellationToken);
        return await WriteAsync(work, read, cancellationToken) ? new FillStep(mark, read.Looked, read.Looked == users ? read.Last : null) : null;
    }

    public async Task<FillStep?> FillChangedAsync(RuleWork work, RuleTest rule, string mark, CancellationToken cancellationToken)
    {
        var (stamp, read) = await readers.ReadAsync(
            statements =>
                Snapshot(statements, () => (Stamp(statements), Read(statements, rule, ChangedSince, work.Group, Number(mark), -1L))), cancellationToken);
        return await WriteAsync(work, read, cancellationToken) ? new FillStep(stamp, read.Looked, null) : null;
    }

    public Task<long> CountPendingAsync(CancellationToken cancellationToken) =>
        readers.ReadAsync(statements => (long)statements.Scalar(CountPending)!, cancellationToken);

    public Task<long> CountFilledAsync(RuleWork work, CancellationToken cancellationToken) =>
        readers.ReadAsync(statements => (long)statements.Scalar(CountFilled, work.Group)!, cancellationToken);

    public Task<RulePreview> PreviewAsync(RuleTest rule, long after, int users, int examples, CancellationToken cancellationToken) => readers.ReadAsync(
        statements =>
        {
            var (looked, members, last, names) = (0, 0L, after, new List<string>());
            using var rows = statements.Query(Candidates, after, users);
            while (rows.Read())
            {
                (looked, last) = (looked + 1, rows.GetInt64(0));
                if (!rule.IsSatisfied(rows.IsDBNull(2) ? null : rows.GetString(2))) continue;
                members++;
                if (names.Count < examples) names.Add(rows.GetString(1));
            }

            return new RulePreview(members, names, looked == users ? last : null);
        },
        cancellationToken);

    /// <summary>A mark: the last stamp that was given to attributes.</summary>
    internal static long Number(string mark) => long.Parse(mark, CultureInfo.InvariantCulture);

    // One process writes the file, and it takes the writer's turn for each step: an owner that lost its lease finds no work.
    private async Task<bool> WriteAsync(RuleWork work, Differing read, CancellationToken cancellationToken)
    {
        foreach (var step in read.Differences.Chunk(WrittenAStep).DefaultIfEmpty([]))
        {
            var isOwn = await TransactAsync(
                statements =>
                {
                    if (statements.Scalar(OwnFill, work.Group, work.Owner.ToByteArray(true), work.Revision) is null) return false;
                    foreach (var difference in step) statements.Execute(difference.IsSatisfied ? AddFilled : RemoveFilled, work.Group, difference.User);
                    return true;
                },
                cancellationToken);
            if (!isOwn) return false;
        }

        return true;
    }

    private static Differing Read(SqliteStatements statements, RuleTest rule, string sql, params ReadOnlySpan<object?> values)
    {
        using var rows = statements.Query(sql, values);
        var (looked, last, differences) = (0, 0L, new List<RuleDifference>());
        while (rows.Read())
        {
            (looked, last) = (looked + 1, rows.GetInt64(0));
            var satisfied = rule.IsSatisfied(rows.IsDBNull(2) ? null : rows.GetString(2));
            if (satisfied != rows.GetBoolean(3)) differences.Add(new RuleDifference(last, rows.GetInt64(1), satisfied));
        }

        return new Differing(looked, last, differences);
    }

    private static string Stamp(SqliteStatements statements) =>
        ((long)statements.Scalar("SELECT stamp FROM directory")!).ToString(CultureInfo.InvariantCulture);

    private static T Snapshot<T>(SqliteStatements statements, Func<T> work)
    {
        statements.Execute("BEGIN");
        try
        {
            return work();
        }
        finally
        {
            statements.Execute("COMMIT");
        }
    }

    private async Task<T> TransactAsync<T>(Func<SqliteStatements, T> work, CancellationToken cancellationToken)
    {
        try
        {
            return await writer.TransactAsync(work, cancellationToken);
        }
        catch (SqliteException error)
        {
            throw SqliteErrors.Unavailable(error);
        }
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private long Until(TimeSpan lease) => (time.GetUtcNow() + lease).ToUnixTimeMilliseconds();

    private sealed record Differing(int Looked, long Last, List<RuleDifference> Differences);
}
