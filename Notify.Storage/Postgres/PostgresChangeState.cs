using Notify.Storage.Directory;
using Npgsql;
using static Notify.Storage.Postgres.PostgresParameters;

namespace Notify.Storage.Postgres;

/// <summary>Reads what a batch of changes asks about, in one round trip.</summary>
internal static class PostgresChangeState
{
    /// <param name="batch">To which the commands are added.</param>
    /// <param name="changes">Whose questions they are.</param>
    /// <param name="locks">Under the log's lock: what the changes depend on is held until they are made, in the order rules, groups, users.</param>
    /// <returns>How many results come before the answers.</returns>
    public static int Ask(NpgsqlBatch batch, ChangeBatch changes, bool locks)
    {
        var scope = ChangeScope.Of(changes.Changes);
        var before = batch.BatchCommands.Count;
        if (locks && scope.NeedsRules)
        {
            Add(batch, scope.MayChangeRules ? PostgresRuleSql.HoldRules : PostgresRuleSql.ShareRules);
            Add(batch, PostgresRuleSql.HoldGroups, Value(scope.Work));
            Add(
                batch, PostgresRuleSql.HoldUsers, Value(scope.Attributes.ToArray()),
                Value(scope.Applied.SelectMany(applied => applied.Differences.Select(difference => difference.User)).ToArray()));
        }

        var held = batch.BatchCommands.Count - before;
        batch.BatchCommands.Add(new(PostgresChangeSql.ReadPlace));
        Add(batch, PostgresChangeSql.ReadUsers, Value(scope.Users));
        Add(batch, PostgresChangeSql.ReadGroups, Value(scope.Groups));
        Add(batch, PostgresChangeSql.ReadMembers, Value(scope.Memberships.ConvertAll(pair => pair.Group).ToArray()),
            Value(scope.Memberships.ConvertAll(pair => pair.User).ToArray()));
        Add(batch, PostgresChangeSql.CountGroups, Value(scope.Joins.Keys.ToArray()), Value(scope.Joins.Values.ToArray()),
            Value((long)changes.Limits.GroupsPerUser));
        Add(batch, PostgresChangeSql.ReadFilters, Value(scope.Filters.ConvertAll(pair => pair.User).ToArray()),
            Value(scope.Filters.ConvertAll(pair => pair.Filter).ToArray()));
        Add(batch, PostgresChangeSql.CountFilters, Value(scope.Follows.Keys.ToArray()));
        Add(batch, PostgresChangeSql.ReadKeys, Value(scope.Keys.ToArray()));
        AskRules(batch, scope);
        if (scope.Marking.Count > 0) PostgresInboxChanges.Ask(batch, scope);
        Add(batch, PostgresChangeSql.ReadBatch, Value(changes.Id));
        return held;
    }

    private static void AskRules(NpgsqlBatch batch, ChangeScope scope)
    {
        if (!scope.NeedsRules) return;
        Add(batch, PostgresRuleSql.ReadAttributes, Value(scope.Attributes.ToArray()));
        Add(batch, PostgresRuleSql.ReadMemberships, Value(scope.Attributes.ToArray()));
        Add(batch, PostgresRuleSql.ReadWork, Value(scope.Work));
        foreach (var applied in scope.Applied)
        {
            var differences = applied.Differences;
            Add(
                batch, PostgresRuleSql.Evaluate, Value(applied.Work.Group), Path(applied.Rule), Vars(applied.Rule),
                Value(differences.Select(difference => difference.User).ToArray()), Value(differences.Select(difference => difference.Stamp).ToArray()),
                Value(differences.Select(difference => difference.IsSatisfied).ToArray()));
        }

        foreach (var activated in scope.Activated)
        {
            Add(
                batch, PostgresRuleSql.EvaluateChanged, Value(activated.Work.Group), Path(activated.Rule), Vars(activated.Rule),
                Value(activated.Mark), Value(ChangeBatch.MostRows + 1L));
        }
    }

    /// <summary>Reads the answers, in the order of the questions; the reader stands at the first of them.</summary>
    public static async Task<(DirectoryState State, StoredBatch? Stored)> ReadAsync(NpgsqlDataReader reader, ChangeBatch changes,
        CancellationToken cancellationToken)
    {
        var scope = ChangeScope.Of(changes.Changes);
        var state = new DirectoryState();
        StoredBatch? stored = null;
        await reader.ReadAsync(cancellationToken);
        (state.Epoch, state.Head, state.RulesRevision, state.Now, state.KeptFrom) =
            (reader.GetGuid(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetDateTime(3), reader.GetInt64(4));
        await EachAsync(() => state.Users.Add(reader.GetString(0), reader.GetInt64(1)));
        await EachAsync(() => state.Groups.Add(reader.GetString(0), new GroupState
        {
            Number = reader.GetInt64(1),
            Rule = reader.IsDBNull(2) ? null : reader.GetString(2),
            Members = reader.GetInt64(3),
        }));
        await EachAsync(() => state.Members.Add((reader.GetInt64(0), reader.GetInt64(1))));
        await EachAsync(() => state.GroupsOf[reader.GetInt64(0)] = (int)reader.GetInt64(1));
        await EachAsync(() => state.Filters.Add((reader.GetInt64(0), reader.GetString(1))));
        await EachAsync(() => state.FiltersOf[reader.GetInt64(0)] = (int)reader.GetInt64(1));
        await EachAsync(() => state.Keys.Add(reader.GetString(0)));
        if (scope.NeedsRules) await ReadRulesAsync();
        if (changes.Changes.Any(change => change is DirectoryChange.MarkInbox)) await PostgresInboxChanges.ReadAsync(reader, state.Inbox, EachAsync);
        await EachAsync(() => stored = new StoredBatch(reader.GetInt64(0), reader.GetInt64(1), reader.GetFieldValue<byte[]>(2)));
        return (state, stored);

        async Task ReadRulesAsync()
        {
            await EachAsync(() => state.Attributes.Add(reader.GetString(0), new UserAttributes(
                reader.GetInt64(1), reader.GetString(0), reader.IsDBNull(2) ? null : reader.GetString(2), reader.GetInt64(3),
                reader.IsDBNull(4) ? null : reader.GetDateTime(4))));
            await EachAsync(() => state.Members.Add((reader.GetInt64(0), reader.GetInt64(1))));
            await EachAsync(() =>
                state.Rules[reader.GetInt64(0)] = new RuleState(reader.GetInt64(1), reader.IsDBNull(2) ? null : reader.GetGuid(2), reader.GetBoolean(3)));
            foreach (var applied in scope.Applied) await EvaluatedAsync(applied.Work.Group);
            foreach (var activated in scope.Activated)
            {
                if (await EvaluatedAsync(activated.Work.Group) > ChangeBatch.MostRows) state.TooManyChanged.Add(activated.Work.Group);
            }
        }

        async Task<int> EvaluatedAsync(long group)
        {
            var users = 0;
            await EachAsync(() =>
            {
                users++;
                state.Satisfies[(group, reader.GetInt64(0))] = reader.GetBoolean(1);
                if (reader.GetBoolean(2)) state.Members.Add((group, reader.GetInt64(0)));
            });
            return users;
        }

        async Task EachAsync(Action row)
        {
            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken)) row();
        }
    }

    private static void Add(NpgsqlBatch batch, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.AddRange(parameters);
        batch.BatchCommands.Add(command);
    }
}

/// <summary>A batch that is stored already.</summary>
internal sealed record StoredBatch(long First, long Last, byte[] Answers);
