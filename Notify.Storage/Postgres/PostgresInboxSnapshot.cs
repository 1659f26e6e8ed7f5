using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>A repeatable-read transaction of one connection.</summary>
internal sealed class PostgresInboxSnapshot : IInboxSnapshot
{
    private readonly NpgsqlConnection _connection;

    private PostgresInboxSnapshot(NpgsqlConnection connection, LogHead head, long keptFrom, Dictionary<string, InboxUser> users) =>
        (_connection, Head, KeptFrom, Users) = (connection, head, keptFrom, users);

    public LogHead Head { get; }

    public long KeptFrom { get; }

    public IReadOnlyDictionary<string, InboxUser> Users { get; }

    /// <summary>In one round trip, since all of it is asked by name.</summary>
    public static async Task<PostgresInboxSnapshot> BeginAsync(NpgsqlConnection connection, IReadOnlyCollection<string> users, CancellationToken cancellationToken)
    {
        string[] names = [.. users];
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands = { new(PostgresInboxSql.Begin), new(PostgresInboxSql.UseIndexes), new(PostgresInboxSql.Head) },
        };
        foreach (var sql in (string[])[PostgresInboxSql.Users, PostgresInboxSql.Groups, PostgresInboxSql.Filters, PostgresInboxSql.Watermarks])
            batch.BatchCommands.Add(new(sql) { Parameters = { Value(names) } });
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var head = new LogHead(reader.GetGuid(0), reader.GetInt64(1), reader.GetInt64(2)) { Now = reader.GetDateTime(3), LastChange = reader.GetInt64(4) };
        var keptFrom = reader.GetInt64(5);
        var byNumber = new Dictionary<long, InboxUser>();
        await EachAsync(() => byNumber.Add(
            reader.GetInt64(0), new InboxUser(reader.GetInt64(0), reader.GetString(1), new List<Membership>(), new List<DurableSubscription>(), new List<InboxWatermark>())));
        await EachAsync(() => ((List<Membership>)byNumber[reader.GetInt64(0)].Groups).Add(
            new Membership(reader.GetInt64(1), reader.GetString(2), new Interval(reader.GetInt64(3), reader.GetInt64(4)))));
        await EachAsync(() => ((List<DurableSubscription>)byNumber[reader.GetInt64(0)].Subscriptions).Add(
            new DurableSubscription(reader.GetString(1), new Interval(reader.GetInt64(2), reader.GetInt64(3)))));
        await EachAsync(() => ((List<InboxWatermark>)byNumber[reader.GetInt64(0)].Watermarks).Add(
            new InboxWatermark(reader.GetString(1), PostgresInboxChanges.Steps(reader.GetString(2)))));
        return new PostgresInboxSnapshot(connection, head, keptFrom, byNumber.Values.ToDictionary(user => user.Name, StringComparer.Ordinal));

        async Task EachAsync(Action row)
        {
            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken)) row();
        }
    }

    public Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        ListAsync(PostgresInboxSql.TopicsByName, rows => new LogTopic(rows.GetInt64(0), rows.GetString(1)), cancellationToken, Value(names.ToArray()));

    public Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, string after, int limit, CancellationToken cancellationToken) =>
        ListAsync(
            PostgresInboxSql.TopicsByPrefix, rows => new LogTopic(rows.GetInt64(0), rows.GetString(1)), cancellationToken,
            Value(prefix), Value(LogLimits.LastWithPrefix(prefix)), Value(after), Value((long)limit));

    public async Task<IReadOnlyList<RangeCount>> CountAsync(IReadOnlyList<TopicRange> ranges, CancellationToken cancellationToken)
    {
        var counts = new RangeCount[ranges.Count];
        foreach (var (part, sql) in Parts(Enumerable.Range(0, ranges.Count), i => ranges[i], PostgresInboxSql.Count, PostgresInboxSql.CountKept))
        {
            await ListAsync(
                sql, rows => counts[part[(int)rows.GetInt64(0) - 1]] = new RangeCount(rows.GetInt64(1), rows.GetInt64(2)), cancellationToken,
                Columns(part.ConvertAll(i => ranges[i])));
        }

        return counts;
    }

    public async Task<IReadOnlyList<(long User, InboxMark Mark)>> FindMarksAsync(IReadOnlyList<MarkRange> ranges, CancellationToken cancellationToken)
    {
        if (ranges.Count == 0) return [];
        var sql = ranges[0].Else switch
        {
            MarkKind.Unread => PostgresInboxSql.MarksUnread,
            MarkKind.NotArchived => PostgresInboxSql.MarksNotArchived,
            _ => PostgresInboxSql.MarksArchived,
        };
        return await ListAsync(
            sql, rows => (rows.GetInt64(0), PostgresInboxChanges.ToMark(rows, 1)), cancellationToken, Value(ranges.Select(range => range.User).ToArray()),
            Value(ranges.Select(range => range.From).ToArray()), Value(ranges.Select(range => range.Through).ToArray()),
            Value(ranges.Select(range => range.AllAfter).ToArray()));
    }

    public async Task<(IReadOnlyList<TopicVersion> Versions, long DownTo)> NewestAsync(
        IReadOnlyList<TopicRange> ranges, int ofEach, CancellationToken cancellationToken)
    {
        var downTo = 0L;
        var found = new List<TopicVersion>();
        foreach (var (part, sql) in Parts(ranges, range => range, PostgresInboxSql.Newest, PostgresInboxSql.NewestKept))
        {
            await ListAsync(
                sql,
                rows =>
                {
                    downTo = Math.Max(downTo, rows.GetInt64(0));
                    if (!rows.IsDBNull(1)) found.Add(new TopicVersion(rows.GetInt64(1), rows.GetInt64(2), PostgresInboxChanges.Time(rows, 3)));
                    return true;
                },
                cancellationToken, [.. Columns(part), Value((long)ofEach)]);
        }

        found.RemoveAll(one => one.Version < downTo);
        return (found, downTo); // what is in the log is above what is kept
    }

    public Task<IReadOnlyList<LogEntry>> ReadAsync(IReadOnlyCollection<long> versions, int maxBytes, CancellationToken cancellationToken) => ListAsync(
        PostgresInboxSql.Entries,
        ToEntry, cancellationToken, Value(versions.ToArray()), Value((long)maxBytes), Value(Head.Oldest));

    public Task<IReadOnlyList<InboxItem>> FindItemsAsync(IReadOnlyCollection<long> versions, CancellationToken cancellationToken) => ListAsync(
        PostgresInboxSql.Items, rows => new InboxItem(rows.GetInt64(0), rows.GetInt64(1), rows.GetString(2), PostgresInboxChanges.Time(rows, 3)), cancellationToken,
        Value(versions.Distinct().ToArray()), Value(Head.Oldest));

    public static LogEntry ToEntry(NpgsqlDataReader rows) => new()
    {
        Version = rows.GetInt64(0),
        Id = rows.GetGuid(1),
        Kind = (EntryKind)rows.GetInt16(2),
        Topic = rows.GetString(3),
        TopicSeq = rows.GetInt64(4),
        PublishedAt = rows.GetDateTime(5),
        ExpiresAt = PostgresInboxChanges.Time(rows, 6),
        Content = rows.GetFieldValue<byte[]>(7),
    };

    // Ranges of the log, and ranges of what is kept longer.
    private IEnumerable<(List<T> Part, string Sql)> Parts<T>(IEnumerable<T> all, Func<T, TopicRange> range, string ofLog, string ofKept)
    {
        var parts = all.ToLookup(one => range(one).Through >= Head.Oldest);
        if (parts[true].ToList() is { Count: > 0 } stored) yield return (stored, ofLog);
        if (parts[false].ToList() is { Count: > 0 } kept) yield return (kept, ofKept);
    }

    private async Task<IReadOnlyList<T>> ListAsync<T>(
        string sql, Func<NpgsqlDataReader, T> row, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        command.Parameters.AddRange(parameters);
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        var list = new List<T>();
        while (await rows.ReadAsync(cancellationToken)) list.Add(row(rows));
        return list;
    }

    private static NpgsqlParameter[] Columns(IReadOnlyList<TopicRange> ranges) =>
    [
        Value(ranges.Select(range => range.TopicId).ToArray()), Value(ranges.Select(range => range.After).ToArray()),
        Value(ranges.Select(range => range.Through).ToArray()),
    ];

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };
}
