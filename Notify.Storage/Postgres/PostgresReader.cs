using Notify.Storage.Log;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>Reads the log, always on the primary, through a small pool of connections with prepared statements.</summary>
internal sealed class PostgresReader(NpgsqlDataSource connections)
{
    public async Task<LogHead> ReadHeadAsync(CancellationToken cancellationToken)
    {
        await using var command = connections.CreateCommand(PostgresReaderSql.Head);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return ToHead(reader);
    }

    public Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        ReadPageAsync(
            new NpgsqlBatchCommand(PostgresReaderSql.Range) { Parameters = { Value(after), Value((long)maxEntries), Value((long)maxBytes) } },
            cancellationToken);

    public Task<LogPage> ReadTopicsAsync(
        IReadOnlyCollection<long> topicIds, long after, int maxEntries, int maxBytes, CancellationToken cancellationToken)
    {
        long[] topics = [.. topicIds.Distinct()];

        // With many topics not each can fill the page: reading a whole page of each would cost their product.
        var ofEach = Math.Min(maxEntries + 1L, Math.Max(16, 4L * maxEntries / Math.Max(1, topics.Length)));
        return ReadPageAsync(
            new NpgsqlBatchCommand(PostgresReaderSql.Topics)
            {
                Parameters = { Value(after), Value((long)maxEntries), Value((long)maxBytes), Value(topics), Value(ofEach) },
            },
            cancellationToken);
    }

    public async Task<LogEntry?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var command = connections.CreateCommand(PostgresReaderSql.ById);
        command.Parameters.Add(Value(id));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? ToEntry(reader) : null;
    }

    public Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        ReadTopicsAsync(PostgresReaderSql.TopicsByName, [Value(names.Distinct(StringComparer.Ordinal).ToArray())], cancellationToken);

    public Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, int limit, CancellationToken cancellationToken) =>
        ReadTopicsAsync(
            PostgresReaderSql.TopicsByPrefix,
            [Value(prefix), Value(LogLimits.LastWithPrefix(prefix)), Value((long)limit)],
            cancellationToken);

    private async Task<LogPage> ReadPageAsync(NpgsqlBatchCommand rows, CancellationToken cancellationToken)
    {
        await using var batch = connections.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(PostgresReaderSql.Head));
        batch.BatchCommands.Add(rows);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(PostgresReaderSql.Oldest));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var head = ToHead(reader);

        await reader.NextResultAsync(cancellationToken);
        var entries = new List<LogEntry>();
        var through = head.Head;
        while (await reader.ReadAsync(cancellationToken))
        {
            var entry = ToEntry(reader);
            var complete = reader.GetBoolean(8);
            if (entry.Version <= head.Head)
                entries.Add(entry); // what was committed after the head was read belongs to the next page

            // Complete by the head, not by counting: rows that have aged out leave holes.
            through = complete ? head.Head : Math.Min(entry.Version, head.Head);
        }

        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new LogPage(entries, through, head with { Oldest = reader.GetInt64(0) });
    }

    private async Task<IReadOnlyList<LogTopic>> ReadTopicsAsync(
        string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        await using var command = connections.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var topics = new List<LogTopic>();
        while (await reader.ReadAsync(cancellationToken))
            topics.Add(new LogTopic(reader.GetInt64(0), reader.GetString(1)));
        return topics;
    }

    private static LogHead ToHead(NpgsqlDataReader reader) =>
        new(reader.GetGuid(0), reader.GetInt64(1), reader.GetInt64(2)) { Now = new DateTimeOffset(reader.GetDateTime(3)), LastChange = reader.GetInt64(4) };

    private static LogEntry ToEntry(NpgsqlDataReader reader) => new()
    {
        Version = reader.GetInt64(0),
        Id = reader.GetGuid(1),
        Kind = (EntryKind)reader.GetInt16(2),
        Topic = reader.GetString(3),
        TopicSeq = reader.GetInt64(4),
        PublishedAt = reader.GetDateTime(5),
        ExpiresAt = reader.IsDBNull(6) ? null : reader.GetDateTime(6),
        Content = reader.GetFieldValue<byte[]>(7),
    };

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };
}
