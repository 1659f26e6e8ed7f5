using Notify.Storage.Directory;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>Reads what a batch of changes asks about, in one round trip.</summary>
internal static class PostgresChangeState
{
    /// <param name="batch">To which the commands are added.</param>
    /// <param name="changes">Whose questions they are.</param>
    public static void Ask(NpgsqlBatch batch, ChangeBatch changes)
    {
        var scope = ChangeScope.Of(changes.Changes);
        batch.BatchCommands.Add(new(PostgresChangeSql.ReadPlace));
        Add(batch, PostgresChangeSql.ReadUsers, Value(scope.Users));
        Add(batch, PostgresChangeSql.ReadGroups, Value(scope.Groups));
        Add(batch, PostgresChangeSql.ReadMembers, Value(scope.Memberships.ConvertAll(pair => pair.Group).ToArray()), Value(scope.Memberships.ConvertAll(pair => pair.User).ToArray()));
        Add(batch, PostgresChangeSql.CountGroups, Value(scope.Joins.Keys.ToArray()), Value(scope.Joins.Values.ToArray()), Value((long)changes.Limits.GroupsPerUser));
        Add(batch, PostgresChangeSql.ReadFilters, Value(scope.Filters.ConvertAll(pair => pair.User).ToArray()), Value(scope.Filters.ConvertAll(pair => pair.Filter).ToArray()));
        Add(batch, PostgresChangeSql.CountFilters, Value(scope.Follows.Keys.ToArray()));
        Add(batch, PostgresChangeSql.ReadKeys, Value(scope.Keys.ToArray()));
        if (scope.Marking.Count > 0) PostgresInboxChanges.Ask(batch, scope);
        Add(batch, PostgresChangeSql.ReadBatch, Value(changes.Id));
    }

    /// <summary>Reads the answers, in the order of the questions; the reader stands at the first of them.</summary>
    public static async Task<(DirectoryState State, StoredBatch? Stored)> ReadAsync(NpgsqlDataReader reader, ChangeBatch changes, CancellationToken cancellationToken)
    {
        var state = new DirectoryState();
        StoredBatch? stored = null;
        await reader.ReadAsync(cancellationToken);
        (state.Epoch, state.Head, state.RulesRevision, state.Now, state.KeptFrom) = (reader.GetGuid(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetDateTime(3), reader.GetInt64(4));
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
        if (changes.Changes.Any(change => change is DirectoryChange.MarkInbox)) await PostgresInboxChanges.ReadAsync(reader, state.Inbox, EachAsync);
        await EachAsync(() => stored = new StoredBatch(reader.GetInt64(0), reader.GetInt64(1), reader.GetFieldValue<byte[]>(2)));
        return (state, stored);

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

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };
}

/// <summary>A batch that is stored already.</summary>
internal sealed record StoredBatch(long First, long Last, byte[] Answers);
