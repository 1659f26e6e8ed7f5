using System.Text.Json;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Npgsql;
using NpgsqlTypes;
using static Notify.Storage.Postgres.PostgresParameters;

namespace Notify.Storage.Postgres;

/// <summary>Writes a decided batch of changes and commits it, in one round trip and in the order of locks: rules, groups, the rest.</summary>
internal static class PostgresChangeWrites
{
    public static async Task CommitAsync(
        NpgsqlConnection connection, Guid batchId, long head, DateTimeOffset now, ChangeDecision decision, List<LogEntry> entries,
        CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        AddGroups(batch, decision.Writes);
        AddIntervals(batch, decision.Writes);
        AddCredentials(batch, decision.Writes, now);
        PostgresInboxChanges.Write(batch, decision.Writes);
        Add(
            batch, PostgresChangeSql.AddEntries, Value(head), Value(now.UtcDateTime), Value(entries.ConvertAll(entry => entry.Id).ToArray()),
            Value(entries.ConvertAll(entry => (short)entry.Kind).ToArray()), Value(entries.ConvertAll(entry => entry.Topic).ToArray()),
            Value(entries.ConvertAll(entry => entry.Content.ToArray()).ToArray()));
        Add(
            batch, PostgresChangeSql.AddBatch, Value(entries[^1].Version), Value(entries[0].Version), Value(batchId), Value(now.UtcDateTime),
            Value(JsonSerializer.SerializeToUtf8Bytes([.. decision.Outcomes], DirectoryJson.Default.ChangeOutcomeArray)));
        batch.BatchCommands.Add(new("COMMIT"));

        // To its end: an error can follow the rows, and only the end is the commit.
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        while (await reader.NextResultAsync(cancellationToken))
        {
        }
    }

    private static void AddGroups(NpgsqlBatch batch, DirectoryWrites writes)
    {
        if (writes.RulesRevision is { } revision) Add(batch, PostgresChangeSql.SetRulesRevision, Value(revision));
        if (writes.NewKeys.Count > 0) Add(batch, PostgresChangeSql.SetKeysStored);
        var ended = writes.EndedGroups;
        if (ended.Count > 0)
            Add(batch, PostgresChangeSql.EndGroups, Column(ended, group => group.Number), Column(ended, group => group.Until),
                Value(writes.RulesRevision ?? 0));
        var added = writes.NewGroups;
        if (added.Count > 0)
        {
            Add(
                batch, PostgresChangeSql.AddGroups, Column(added, group => group.Number), Column(added, group => group.Name),
                Column(added, group => group.Rule), Column(added, group => group.Since), Column(added, group => group.Until), Value(writes.RulesRevision ?? 0));
        }

        var rules = writes.NewRules;
        if (rules.Count > 0)
            Add(batch, PostgresChangeSql.SetRules, Column(rules, group => group.Number), Column(rules, group => group.Rule), Value(writes.RulesRevision ?? 0));
        foreach (var (number, since, members) in writes.Activated)
            Add(batch, PostgresRuleSql.Activate, Value(number), Value(since), Value(members), Value(writes.RulesRevision ?? 0));
        var counts = writes.MemberCounts.Where(count => count.Value != 0).OrderBy(count => count.Key).ToList();
        if (counts.Count > 0) Add(batch, PostgresChangeSql.CountMembers, Column(counts, count => count.Key), Column(counts, count => count.Value));
    }

    private static void AddIntervals(NpgsqlBatch batch, DirectoryWrites writes)
    {
        var attributes = writes.Attributes.OrderBy(row => row.Key).ToList();
        if (attributes.Count > 0)
        {
            Add(
                batch, PostgresRuleSql.SetAttributes, Column(attributes, row => row.Key), Column(attributes, row => row.Value.Json),
                PostgresDirectory.Times(attributes.Select(row => row.Value.ClaimsIssuedAt)));
        }

        var left = writes.EndedMemberships;
        if (left.Count > 0)
            Add(batch, PostgresChangeSql.EndMemberships, Column(left, row => row.Group), Column(left, row => row.User), Column(left, row => row.Until));
        var joined = writes.NewMemberships.ToList();
        if (joined.Count > 0)
        {
            Add(
                batch, PostgresChangeSql.AddMemberships, Column(joined, row => row.Key.Group), Column(joined, row => row.Key.User),
                Column(joined, row => row.Key.Since), Column(joined, row => row.Value));
        }

        var ended = writes.EndedFilters;
        if (ended.Count > 0)
            Add(batch, PostgresChangeSql.EndFilters, Column(ended, row => row.User), Column(ended, row => row.Filter), Column(ended, row => row.Until));
        var begun = writes.NewFilters.ToList();
        if (begun.Count > 0)
        {
            Add(
                batch, PostgresChangeSql.AddFilters, Column(begun, row => row.Key.User), Column(begun, row => row.Key.Filter),
                Column(begun, row => row.Key.Since), Column(begun, row => row.Value));
        }
    }

    private static void AddCredentials(NpgsqlBatch batch, DirectoryWrites writes, DateTimeOffset now)
    {
        if (writes.RevokedKeys.Count > 0) Add(batch, PostgresChangeSql.RemoveKeys, Value(writes.RevokedKeys.ToArray()));
        foreach (var (key, number) in writes.NewKeys)
        {
            Add(
                batch, PostgresChangeSql.AddKey, Value(key.Id), Value(number), Value(key.Name), Value(key.Hash.ToArray()),
                Value(JsonSerializer.Serialize([.. key.Publish], DirectoryJson.Default.StringArray)),
                Value(JsonSerializer.Serialize([.. key.Subscribe], DirectoryJson.Default.StringArray)), Value(key.Admin), Value(now.UtcDateTime),
                new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = key.ExpiresAt is { } expiresAt ? expiresAt.UtcDateTime : DBNull.Value });
        }

        var revoked = writes.Revocations.ToList();
        if (revoked.Count > 0)
        {
            Add(
                batch, PostgresChangeSql.SetRevocations, Column(revoked, row => row.Key), Column(revoked, row => row.Value.IssuedBefore.UtcDateTime),
                Column(revoked, row => row.Value.Version));
        }
    }

    private static void Add(NpgsqlBatch batch, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.AddRange(parameters);
        batch.BatchCommands.Add(command);
    }

    private static NpgsqlParameter<TValue[]> Column<TRow, TValue>(List<TRow> rows, Converter<TRow, TValue> column) => Value(rows.ConvertAll(column).ToArray());
}
