using Notify.Storage.Log;
using Npgsql;
using static Notify.Storage.Postgres.PostgresParameters;

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
        => ReadPageAsync(OfTopics(PostgresReaderSql.Topics, topicIds, after, maxEntries, maxBytes), cancellationToken);

    public async Task<LogPage> ReadTopicsBackAsync(
        IReadOnlyCollection<long> topicIds, long before, int maxEntries, int maxBytes, CancellationToken cancellationToken)
    {
        var page = await ReadRowsAsync(OfTopics(PostgresReaderSql.TopicsBack, topicIds, before, maxEntries, maxBytes), cancellationToken);
        return new LogPage(page.Entries, page.IsComplete || page.Entries.Count == 0 ? 1 : page.Entries[^1].Version, page.Head);
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

    private static NpgsqlBatchCommand OfTopics(string sql, IReadOnlyCollection<long> topicIds, long from, int maxEntries, int maxBytes)
    {
        long[] topics = [.. topicIds.Distinct()];

        // With many topics not each can fill the page: reading a whole page of each would cost their product.
        var ofEach = Math.Min(maxEntries + 1L, Math.Max(16, 4L * maxEntries / Math.Max(1, topics.Length)));
        return new NpgsqlBatchCommand(sql)
        {
            Parameters = { Value(from), Value((long)maxEntries), Value((long)maxBytes), Value(topics), Value(ofEach) },
        };
    }

    private async Task<LogPage> ReadPageAsync(NpgsqlBatchCommand rows, CancellationToken cancellationToken)
    {
        var (entries, isComplete, head) = await ReadRowsAsync(rows, cancellationToken);

        // Complete by the head, not by counting: rows that have aged out leave holes.
        var through = entries.Count == 0 || isComplete ? head.Head : Math.Min(entries[^1].Version, head.Head);

        // What was committed after the head was read belongs to the next page.
        entries.RemoveAll(entry => entry.Version > head.Head);
        return new LogPage(entries, through, head);
    }

    private async Task<(List<LogEntry> Entries, bool IsComplete, LogHead Head)> ReadRowsAsync(NpgsqlBatchCommand rows, CancellationToken cancellationToken)
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
        var isComplete = false;
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(ToEntry(reader));
            isComplete = reader.GetBoolean(8);
        }

        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (entries, isComplete, head with { Oldest = reader.GetInt64(0) });
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
}
