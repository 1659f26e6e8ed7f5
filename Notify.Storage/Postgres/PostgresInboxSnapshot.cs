using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;
using Npgsql;
using static Notify.Storage.Postgres.PostgresParameters;

namespace Notify.Storage.Postgres;

/// <summary>A repeatable-read transaction of one connection.</summary>
internal sealed class PostgresInboxSnapshot : IInboxSnapshot
{
    /// <summary>Ranges of full partitions that are looked at in one step: the newest are often enough.</summary>
    private const int RangesAStep = 128;

    private const int LeastOfEach = 2;

    private readonly NpgsqlConnection _connection;
    private readonly PostgresTopicEnds _ends;

    private readonly KnownSequences _known;
    private readonly List<(TopicRange Range, long First, long Last)> _found = [];

    private PostgresInboxSnapshot(NpgsqlConnection connection, LogHead head, long keptFrom, Dictionary<string, InboxUser> users, PostgresTopicEnds ends,
        KnownSequences known) =>
        (_connection, Head, KeptFrom, Users, _ends, _known) = (connection, head, keptFrom, users, ends, known);

    public LogHead Head { get; }

    public long KeptFrom { get; }

    public IReadOnlyDictionary<string, InboxUser> Users { get; }

    /// <summary>In one round trip, since all of it is asked by name.</summary>
    public static async Task<PostgresInboxSnapshot> BeginAsync(NpgsqlConnection connection, IReadOnlyCollection<string> users, KnownSequences known,
        CancellationToken cancellationToken)
    {
        string[] names = [.. users];
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands = { new(PostgresInboxSql.Begin), new(PostgresInboxSql.Head) },
        };
        foreach (var sql in (string[])[PostgresInboxSql.Users, PostgresInboxSql.Groups, PostgresInboxSql.Filters, PostgresInboxSql.Watermarks])
            batch.BatchCommands.Add(new(sql) { Parameters = { Value(names) } });
        batch.BatchCommands.Add(new(PostgresInboxSql.Partitions));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var head = new LogHead(reader.GetGuid(0), reader.GetInt64(1), reader.GetInt64(2)) { Now = reader.GetDateTime(3), LastChange = reader.GetInt64(4) };
        var keptFrom = reader.GetInt64(5);
        var byNumber = new Dictionary<long, InboxUser>();
        await EachAsync(() => byNumber.Add(
            reader.GetInt64(0),
                new InboxUser(reader.GetInt64(0), reader.GetString(1), new List<Membership>(), new List<DurableSubscription>(), new List<InboxWatermark>())));
        await EachAsync(() => ((List<Membership>)byNumber[reader.GetInt64(0)].Groups).Add(
            new Membership(reader.GetInt64(1), reader.GetString(2), new Interval(reader.GetInt64(3), reader.GetInt64(4)))));
        await EachAsync(() => ((List<DurableSubscription>)byNumber[reader.GetInt64(0)].Subscriptions).Add(
            new DurableSubscription(reader.GetString(1), new Interval(reader.GetInt64(2), reader.GetInt64(3)))));
        await EachAsync(() => ((List<InboxWatermark>)byNumber[reader.GetInt64(0)].Watermarks).Add(
            new InboxWatermark(reader.GetString(1), PostgresInboxChanges.Steps(reader.GetString(2)))));
        var ends = new PostgresTopicEnds();
        await EachAsync(() => ends.AddPartition(reader.GetInt64(0), reader.GetInt64(1)));
        return new PostgresInboxSnapshot(connection, head, keptFrom, byNumber.Values.ToDictionary(user => user.Name, StringComparer.Ordinal), ends,
            known);

        async Task EachAsync(Action row)
        {
            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken)) row();
        }
    }

    /// <summary>What was found is so for good. Not when retention passed by: a dropped partition is gone for an older snapshot too.</summary>
    public void Remember() => _known.Add(Head.Epoch, _found);

    public Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        ListAsync(PostgresInboxSql.TopicsByName, ToTopic, cancellationToken, Value(names.ToArray()));

    public Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, string after, int limit, CancellationToken cancellationToken) =>
        ListAsync(
            PostgresInboxSql.TopicsByPrefix, ToTopic, cancellationToken,
            Value(prefix), Value(LogLimits.LastWithPrefix(prefix)), Value(after), Value((long)limit));

    public async Task<IReadOnlyList<RangeCount>> CountAsync(IReadOnlyList<TopicRange> ranges, CancellationToken cancellationToken)
    {
        var counts = new RangeCount[ranges.Count];
        var (rows, inside, whole, kept) = (new List<RangePart>(), new List<RangePart>(), new List<RangePart>(), new List<RangePart>());
        for (var i = 0; i < ranges.Count; i++)
        {
            if (ranges[i].Through < Head.Oldest) kept.Add(new(i, ranges[i]));
            else _ends.Split(i, ranges[i], rows, inside, whole);
        }

        // Apart, since each reaches other partitions.
        await using var batch = new NpgsqlBatch(_connection);
        List<(List<RangePart> Parts, string Sql)> asked =
            [(rows, PostgresInboxSql.Count), (inside, PostgresInboxSql.Count), (whole, PostgresInboxSql.CountEnds), (kept, PostgresInboxSql.CountKept)];
        asked.RemoveAll(one => one.Parts.Count == 0);
        if (asked.Count == 0) return counts;
        foreach (var (parts, sql) in asked) batch.BatchCommands.Add(Counting(sql, parts));
        if (whole.Count > 0) batch.BatchCommands.Add(Counting(PostgresInboxSql.EndsExpiring, whole));
        var expiring = new List<RangePart>();
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            foreach (var (parts, _) in asked)
            {
                while (await reader.ReadAsync(cancellationToken)) Add(parts, reader, stored: true);
                await reader.NextResultAsync(cancellationToken);
            }

            while (whole.Count > 0 && await reader.ReadAsync(cancellationToken))
                expiring.Add(new(whole[(int)reader.GetInt64(0) - 1].Position, new TopicRange(reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3))));
        }

        if (expiring.Count == 0) return counts;
        await using var more = new NpgsqlBatch(_connection) { BatchCommands = { Counting(PostgresInboxSql.Count, expiring) } };
        await using var found = await more.ExecuteReaderAsync(cancellationToken);
        while (await found.ReadAsync(cancellationToken)) Add(expiring, found, stored: false);
        return counts;

        void Add(List<RangePart> parts, NpgsqlDataReader reader, bool stored)
        {
            var (position, range) = parts[(int)reader.GetInt64(0) - 1];
            var (first, last) = (reader.GetInt64(1), reader.GetInt64(2));
            _found.Add((range, first, last));
            ref var count = ref counts[position];
            var next = PostgresInboxChanges.Time(reader, 4);
            if (next is null || count.NextExpiry < next) next = count.NextExpiry;
            count = new RangeCount(count.Stored + (stored ? last - first + 1 : 0), count.Expired + reader.GetInt64(3), next);
        }
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
        IReadOnlyList<TopicRange> ranges, int wanted, CancellationToken cancellationToken)
    {
        var found = new List<TopicVersion>();
        var (rows, ended, kept) = (new List<TopicRange>(), new List<TopicRange>(), new List<TopicRange>());
        foreach (var range in ranges)
        {
            if (range.Through < Head.Oldest) kept.Add(range);
            else _ends.Split(range, rows, ended);
        }

        // The highest first: as soon as enough is found above everything that was not looked at, the rest does not matter.
        ended.Sort((a, b) => b.Through.CompareTo(a.Through));
        var downTo = await NewestAsync(PostgresInboxSql.Newest, rows);
        for (var at = 0; at < ended.Count; at += RangesAStep)
        {
            if (IsEnough(ended[at].Through)) return Found();
            downTo = Math.Max(downTo, await NewestAsync(PostgresInboxSql.NewestByEnds, ended.GetRange(at, Math.Min(RangesAStep, ended.Count - at))));
        }

        if (kept.Count == 0 || IsEnough(Head.Oldest - 1)) return Found();
        downTo = Math.Max(downTo, await NewestAsync(PostgresInboxSql.NewestKept, kept));
        return Found();

        bool IsEnough(long below)
        {
            if (downTo <= below && found.Count(one => one.Version > below) < wanted) return false;
            downTo = Math.Max(downTo, below + 1);
            return true;
        }

        (IReadOnlyList<TopicVersion>, long) Found()
        {
            found.RemoveAll(one => one.Version < downTo || one.ExpiresAt <= Head.Now);
            return (found, downTo);
        }

        async Task<long> NewestAsync(string sql, List<TopicRange> asked)
        {
            if (asked.Count == 0) return 0;
            var ofEach = Math.Min(wanted, Math.Max(LeastOfEach, 4 * wanted / asked.Count));
            var stop = 0L;
            await ListAsync(
                sql,
                row =>
                {
                    stop = row.GetInt64(0);
                    if (!row.IsDBNull(1)) found.Add(new TopicVersion(row.GetInt64(1), row.GetInt64(2), PostgresInboxChanges.Time(row, 3)));
                    return true;
                },
                cancellationToken, [.. Columns(asked), Value((long)ofEach), Value((long)wanted), .. Bounds(asked)]);
            return stop;
        }
    }

    public Task<IReadOnlyList<TopicVersion>> ScanAsync(long after, long through, CancellationToken cancellationToken) => ListAsync(
        PostgresInboxSql.Scan, rows => new TopicVersion(rows.GetInt64(0), rows.GetInt64(1), PostgresInboxChanges.Time(rows, 2)), cancellationToken,
        Value(after), Value(through));

    public Task<IReadOnlyList<LogEntry>> ReadAsync(IReadOnlyCollection<long> versions, int maxBytes, CancellationToken cancellationToken) => ListAsync(
        PostgresInboxSql.Entries,
        ToEntry, cancellationToken, Value(versions.ToArray()), Value((long)maxBytes), Value(Head.Oldest));

    public Task<IReadOnlyList<InboxItem>> FindItemsAsync(IReadOnlyCollection<long> versions, CancellationToken cancellationToken) => ListAsync(
        PostgresInboxSql.Items, rows =>
            new InboxItem(rows.GetInt64(0), rows.GetInt64(1), rows.GetString(2), PostgresInboxChanges.Time(rows, 3)), cancellationToken,
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

    private LogTopic ToTopic(NpgsqlDataReader rows)
    {
        _ends.AddTopic(rows.GetInt64(0), rows.GetInt64(2));
        return new LogTopic(rows.GetInt64(0), rows.GetString(1));
    }

    private NpgsqlBatchCommand Counting(string sql, List<RangePart> parts)
    {
        var ranges = parts.ConvertAll(part => part.Range);
        var command = new NpgsqlBatchCommand(sql);
        foreach (var column in Columns(ranges)) command.Parameters.Add(column);
        if (sql == PostgresInboxSql.EndsExpiring) return command;
        var (first, last) = _known.Find(Head.Epoch, ranges);
        command.Parameters.Add(Value(first));
        command.Parameters.Add(Value(last));
        if (sql != PostgresInboxSql.CountEnds)
        {
            foreach (var bound in Bounds(ranges)) command.Parameters.Add(bound);
        }

        return command;
    }

    private static NpgsqlParameter[] Bounds(IReadOnlyList<TopicRange> ranges) =>
        [Value(ranges.Min(range => range.After)), Value(ranges.Max(range => range.Through))];

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
}
