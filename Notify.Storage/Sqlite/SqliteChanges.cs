using System.Text.Json;
using Microsoft.Data.Sqlite;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Storage.Sqlite;

/// <summary>Batches of changes as transactions of the writing connection.</summary>
internal sealed class SqliteChanges(SqliteWriter writer, SqliteReaders readers, TimeProvider time)
{
    private const string FindBatch = "SELECT first_version, last_version, answers FROM appends WHERE batch_id = ?1";

    private const string ReadEntries = """
        SELECT version, id, kind, name, published_at, content FROM notifications WHERE version BETWEEN ?1 AND ?2 ORDER BY version
        """;

    private const string FindUser = "SELECT id FROM users WHERE name = ?1";

    private const string AddUser = "INSERT INTO users (name) VALUES (?1) ON CONFLICT DO NOTHING";

    private const string FindGroup = "SELECT id, rule, members FROM groups WHERE name = ?1 AND until = 9223372036854775807";

    private const string FindMember = """
        SELECT 1 FROM memberships WHERE group_id = ?1 AND user_id = ?2 AND until = 9223372036854775807
        """;

    // Of groups that are still there: one writer has the time to look at each.
    private const string CountGroups = """
        SELECT count(*) FROM memberships AS m JOIN groups AS g ON g.id = m.group_id
        WHERE m.user_id = ?1 AND m.until = 9223372036854775807 AND g.until = 9223372036854775807 AND g.since < g.until
        """;

    private const string FindFilter = "SELECT 1 FROM subscriptions WHERE user_id = ?1 AND until = 9223372036854775807 AND filter = ?2";

    private const string CountFilters = "SELECT count(*) FROM subscriptions WHERE user_id = ?1 AND until = 9223372036854775807";

    private const string FindKey = "SELECT 1 FROM api_keys WHERE id = ?1";

    private const string FindAttributes = "SELECT id, attributes, attributes_stamp, claims_issued_at FROM users WHERE name = ?1";

    private const string FindMemberships = "SELECT group_id FROM memberships WHERE user_id = ?1 AND until = 9223372036854775807";

    private const string FindWork = """
        SELECT rule_revision, lease_owner, since < until FROM groups WHERE id = ?1 AND until = 9223372036854775807
        """;

    private const string FindUserAttributes = "SELECT attributes, attributes_stamp FROM users WHERE id = ?1";

    private const string AddEntry = """
        INSERT INTO notifications (version, id, kind, name, topic_seq, published_at, content) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)
        """;

    private const string AddBatch = """
        INSERT INTO appends (last_version, first_version, batch_id, appended_at, last_change, answers) VALUES (?1, ?2, ?3, ?4, ?1, ?5)
        """;

    public async Task<ChangeResult> ChangeAsync(ChangeBatch changes, CancellationToken cancellationToken)
    {
        if (!ChangeScope.Of(changes.Changes).IsWorkedOut && await readers.ReadAsync(statements => Look(statements, changes), cancellationToken) is { } nothing)
            return nothing;
        try
        {
            return await writer.TransactAsync(
                statements => Submit(statements, changes), cancellationToken,
                error => new AppendOutcomeUnknownException($"The disk failed during the commit: {error.Message}", error));
        }
        catch (SqliteException error)
        {
            throw SqliteErrors.Unavailable(error);
        }
    }

    /// <summary>Users that were never mentioned before.</summary>
    public static void AddUsers(SqliteStatements statements, IEnumerable<string> names)
    {
        foreach (var name in names) statements.Execute(AddUser, name);
    }

    private ChangeResult? Look(SqliteStatements statements, ChangeBatch changes)
    {
        var state = Read(statements, changes);
        var head = state.Head;
        var decision = ChangeDecision.Make(changes, state);
        if (decision.Entries.Count > 0 || statements.Scalar(FindBatch, changes.Id.ToByteArray(true)) is not null) return null;
        return new ChangeResult(state.Epoch, head, decision.Outcomes, []);
    }

    private ChangeResult Submit(SqliteStatements statements, ChangeBatch changes)
    {
        if (Repeat(statements, changes.Id) is { } stored) return stored;
        var decision = Decide(statements, changes, out var state, out var head);
        if (decision.Entries.Count > 0 && !decision.IsWritable)
        {
            AddUsers(statements, decision.NewUsers);
            decision = Decide(statements, changes, out state, out head);
        }

        if (decision.Entries.Count == 0) return new ChangeResult(state.Epoch, head, decision.Outcomes, []);
        var entries = decision.ToLog();
        SqliteChangeWrites.Write(statements, decision.Writes, state.Now);
        foreach (var entry in entries)
        {
            statements.Execute(
                AddEntry, entry.Version, entry.Id.ToByteArray(true), (long)entry.Kind, entry.Topic, state.Now.ToUnixTimeMilliseconds(),
                    entry.Content.ToArray());
        }

        statements.Execute(
            AddBatch, entries[^1].Version, entries[0].Version, changes.Id.ToByteArray(true), state.Now.ToUnixTimeMilliseconds(),
            JsonSerializer.SerializeToUtf8Bytes([.. decision.Outcomes], DirectoryJson.Default.ChangeOutcomeArray));
        return new ChangeResult(state.Epoch, head + entries.Count, decision.Outcomes, entries);
    }

    private ChangeDecision Decide(SqliteStatements statements, ChangeBatch changes, out DirectoryState state, out long head)
    {
        state = Read(statements, changes);
        head = state.Head;
        return ChangeDecision.Make(changes, state);
    }

    private static ChangeResult? Repeat(SqliteStatements statements, Guid batchId)
    {
        long first, last;
        byte[] answers;
        using (var batch = statements.Query(FindBatch, batchId.ToByteArray(true)))
        {
            if (!batch.Read()) return null;
            (first, last, answers) = (batch.GetInt64(0), batch.GetInt64(1), batch.GetFieldValue<byte[]>(2));
        }

        var entries = new List<LogEntry>();
        using (var rows = statements.Query(ReadEntries, first, last))
        {
            while (rows.Read())
            {
                entries.Add(new LogEntry
                {
                    Version = rows.GetInt64(0),
                    Id = rows.GetId(1),
                    Kind = (EntryKind)rows.GetInt16(2),
                    Topic = rows.GetString(3),
                    PublishedAt = rows.GetTime(4),
                    Content = rows.GetFieldValue<byte[]>(5),
                });
            }
        }

        var head = SqliteReader.ReadHead(statements);
        return new ChangeResult(head.Epoch, head.Head, JsonSerializer.Deserialize(answers, DirectoryJson.Default.ChangeOutcomeArray)!, entries);
    }

    private DirectoryState Read(SqliteStatements statements, ChangeBatch changes)
    {
        var scope = ChangeScope.Of(changes.Changes);
        var head = SqliteReader.ReadHead(statements);
        var state = new DirectoryState
        {
            Epoch = head.Epoch,
            Head = head.Head,
            KeptFrom = SqliteInboxSnapshot.ReadKeptFrom(statements, head),
            Now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()),
            RulesRevision = (long)statements.Scalar("SELECT rules_revision FROM directory")!,
        };
        foreach (var name in scope.Users)
        {
            if (statements.Scalar(FindUser, name) is long user) state.Users.Add(name, user);
        }

        foreach (var name in scope.Groups)
        {
            using var group = statements.Query(FindGroup, name);
            if (group.Read())
                state.Groups.Add(name,
                    new GroupState { Number = group.GetInt64(0), Rule = group.IsDBNull(1) ? null : group.GetString(1), Members = group.GetInt64(2) });
        }

        foreach (var (group, user) in scope.Memberships)
        {
            if (state.Groups.TryGetValue(group, out var known) && state.Users.TryGetValue(user, out var number)
                && statements.Scalar(FindMember, known.Number, number) is not null)
                state.Members.Add((known.Number, number));
        }

        foreach (var user in scope.Joins.Keys)
        {
            if (state.Users.TryGetValue(user, out var number)) state.GroupsOf[number] = (int)(long)statements.Scalar(CountGroups, number)!;
        }

        foreach (var (user, filter) in scope.Filters)
        {
            if (state.Users.TryGetValue(user, out var number) && statements.Scalar(FindFilter, number, filter) is not null) state.Filters.Add((number, filter));
        }

        foreach (var user in scope.Follows.Keys)
        {
            if (state.Users.TryGetValue(user, out var number)) state.FiltersOf[number] = (int)(long)statements.Scalar(CountFilters, number)!;
        }

        foreach (var key in scope.Keys)
        {
            if (statements.Scalar(FindKey, key) is not null) state.Keys.Add(key);
        }

        if (scope.NeedsRules) ReadRules(statements, scope, state);
        SqliteInboxChanges.Read(statements, scope, state);

        return state;
    }

    private static void ReadRules(SqliteStatements statements, ChangeScope scope, DirectoryState state)
    {
        foreach (var name in scope.Attributes)
        {
            using (var rows = statements.Query(FindAttributes, name))
            {
                if (!rows.Read()) continue;
                state.Attributes[name] = new UserAttributes(
                    rows.GetInt64(0), name, rows.IsDBNull(1) ? null : rows.GetString(1), rows.GetInt64(2), rows.IsDBNull(3) ? null : rows.GetTime(3));
            }

            var user = state.Attributes[name].User;
            using var groups = statements.Query(FindMemberships, user);
            while (groups.Read()) state.Members.Add((groups.GetInt64(0), user));
        }

        foreach (var group in scope.Work)
        {
            using var rows = statements.Query(FindWork, group);
            if (rows.Read()) state.Rules[group] = new RuleState(rows.GetInt64(0), rows.IsDBNull(1) ? null : rows.GetId(1), rows.GetBoolean(2));
        }

        foreach (var applied in scope.Applied)
        {
            foreach (var difference in applied.Differences)
            {
                bool satisfied;
                using (var rows = statements.Query(FindUserAttributes, difference.User))
                {
                    if (!rows.Read()) continue;
                    satisfied = rows.GetInt64(1) == difference.Stamp ? difference.IsSatisfied
                        : applied.Rule.IsSatisfied(rows.IsDBNull(0) ? null : rows.GetString(0));
                }

                state.Satisfies[(applied.Work.Group, difference.User)] = satisfied;
                if (statements.Scalar(FindMember, applied.Work.Group, difference.User) is not null) state.Members.Add((applied.Work.Group, difference.User));
            }
        }

        foreach (var activated in scope.Activated)
        {
            var changed = 0;
            using var rows = statements.Query(SqliteRules.ChangedSince, activated.Work.Group, SqliteRules.Number(activated.Mark), ChangeBatch.MostRows + 1L);
            while (rows.Read())
            {
                changed++;
                state.Satisfies[(activated.Work.Group, rows.GetInt64(0))] = activated.Rule.IsSatisfied(rows.IsDBNull(2) ? null : rows.GetString(2));
                if (rows.GetBoolean(3)) state.Members.Add((activated.Work.Group, rows.GetInt64(0)));
            }

            if (changed > ChangeBatch.MostRows) state.TooManyChanged.Add(activated.Work.Group);
        }
    }
}
