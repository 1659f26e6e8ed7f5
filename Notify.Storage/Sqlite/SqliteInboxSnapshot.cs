using Microsoft.Data.Sqlite;
using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Storage.Sqlite;

/// <summary>A reading transaction of one connection. Every task that it returns is complete.</summary>
internal sealed class SqliteInboxSnapshot : IInboxSnapshot
{
    private const string TopicByName = "SELECT id, name FROM topics WHERE name = ?1";

    private const string TopicsByPrefix = """
        SELECT id, name FROM topics
        WHERE name >= ?1 AND name <= ?2 AND name > ?3 AND substr(name, 1, length(?1)) = ?1 ORDER BY name LIMIT ?4
        """;

    private static string CountIn(string table)
    {
        const string Range = "WHERE topic_id = ?1 AND version > ?2 AND version <= ?3";
        return $"""
            SELECT (SELECT topic_seq FROM {table} {Range} ORDER BY version LIMIT 1), (SELECT topic_seq FROM {table} {Range} ORDER BY version DESC LIMIT 1),
                   count(*) FILTER (WHERE expires_at <= ?4), min(expires_at) FILTER (WHERE expires_at > ?4)
            FROM {table} INDEXED BY {table}_expiring {Range} AND expires_at IS NOT NULL
            """;
    }

    private static readonly string Count = CountIn("notifications");
    private static readonly string CountKept = CountIn("inbox_kept");

    private const string Marks = "SELECT version, topic_id, mark_order, seen_at, read_at, archived_at, expires_at FROM inbox_marks";

    private const string AllMarks = $"{Marks} WHERE user_id = ?1 AND version >= ?2 AND version <= ?3";

    private const string UnreadMarks = $"{AllMarks} AND read_at IS NULL";

    private const string NotArchivedMarks = $"{AllMarks} AND archived_at IS NULL";

    private const string ArchivedMarks = $"{AllMarks} AND archived_at IS NOT NULL";

    private const string Newest = """
        SELECT version, expires_at FROM notifications WHERE topic_id = ?1 AND version > ?2 AND version <= ?3 ORDER BY version DESC LIMIT ?4
        """;

    private const string NewestKept = """
        SELECT version, expires_at FROM inbox_kept WHERE topic_id = ?1 AND version > ?2 AND version <= ?3 ORDER BY version DESC LIMIT ?4
        """;

    private const string KeptEntry = """
        SELECT k.version, k.id, 0, t.name, k.topic_seq, k.published_at, k.expires_at, k.content
        FROM inbox_kept AS k JOIN topics AS t ON t.id = k.topic_id WHERE k.version = ?1
        """;

    private const string KeptItem = """
        SELECT k.version, k.topic_id, t.name, k.expires_at FROM inbox_kept AS k JOIN topics AS t ON t.id = k.topic_id WHERE k.version = ?1
        """;

    private const string Entry = """
        SELECT n.version, n.id, n.kind, t.name, n.topic_seq, n.published_at, n.expires_at, n.content
        FROM notifications AS n JOIN topics AS t ON t.id = n.topic_id WHERE n.version = ?1
        """;

    private const string Item = """
        SELECT n.version, n.topic_id, t.name, n.expires_at
        FROM notifications AS n JOIN topics AS t ON t.id = n.topic_id WHERE n.version = ?1
        """;

    private const string Scan = """
        SELECT version, topic_id, expires_at FROM notifications
        WHERE version > ?1 AND version <= ?2 AND topic_id IS NOT NULL AND (expires_at IS NULL OR expires_at > ?3)
        """;

    private const int LeastOfEach = 2;

    private readonly SqliteStatements _statements;
    private readonly Dictionary<string, InboxUser> _users = new(StringComparer.Ordinal);

    public SqliteInboxSnapshot(SqliteStatements statements, IReadOnlyCollection<string> users, DateTimeOffset now)
    {
        _statements = statements;
        Head = SqliteReader.ReadHead(statements) with { Now = DateTimeOffset.FromUnixTimeMilliseconds(now.ToUnixTimeMilliseconds()) };
        KeptFrom = ReadKeptFrom(statements, Head);
        foreach (var name in users)
        {
            if (statements.Scalar("SELECT id FROM users WHERE name = ?1", name) is not long number) continue;
            _users[name] = new InboxUser(
                number, name,
                List(SqliteDirectorySql.Memberships, rows =>
                    new Membership(rows.GetInt64(0), rows.GetString(1), new Interval(rows.GetInt64(2), rows.GetInt64(3))), number, KeptFrom),
                List(SqliteDirectorySql.Filters, rows =>
                    new DurableSubscription(rows.GetString(0), new Interval(rows.GetInt64(1), rows.GetInt64(2))), number, Head.Oldest),
                List(SqliteInboxChanges.ReadWatermarks, rows => new InboxWatermark(rows.GetString(0), SqliteInboxChanges.Steps(rows.GetString(1))), number));
        }
    }

    public LogHead Head { get; }

    public long KeptFrom { get; }

    public IReadOnlyDictionary<string, InboxUser> Users => _users;

    public static long ReadKeptFrom(SqliteStatements statements, LogHead head) =>
        statements.Scalar("SELECT min(version) FROM inbox_kept") is long lowest ? Math.Min(lowest, head.Oldest) : head.Oldest;

    public Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<LogTopic>>([.. names.SelectMany(name => List(TopicByName, ToTopic, name))]);

    public Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, string after, int limit, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<LogTopic>>(List(TopicsByPrefix, ToTopic, prefix, LogLimits.LastWithPrefix(prefix), after, limit));

    public Task<IReadOnlyList<RangeCount>> CountAsync(IReadOnlyList<TopicRange> ranges, CancellationToken cancellationToken)
    {
        var counts = new RangeCount[ranges.Count];
        var now = Head.Now.ToUnixTimeMilliseconds();
        for (var i = 0; i < counts.Length; i++)
        {
            var (topic, after, through) = ranges[i];
            var isKept = through < Head.Oldest;
            using var rows = _statements.Query(isKept ? CountKept : Count, topic, after, through, now);
            if (rows.Read() && !rows.IsDBNull(0))
                counts[i] = new RangeCount(rows.GetInt64(1) - rows.GetInt64(0) + 1, rows.GetInt64(2), SqliteInboxChanges.Time(rows, 3));
        }

        return Task.FromResult<IReadOnlyList<RangeCount>>(counts);
    }

    public Task<IReadOnlyList<(long User, InboxMark Mark)>> FindMarksAsync(IReadOnlyList<MarkRange> ranges, CancellationToken cancellationToken)
    {
        var marks = new List<(long, InboxMark)>();
        foreach (var range in ranges)
        {
            var others = range.Else switch { MarkKind.Unread => UnreadMarks, MarkKind.NotArchived => NotArchivedMarks, _ => ArchivedMarks };
            foreach (var mark in List(AllMarks, SqliteInboxChanges.ToMark, range.User, Math.Max(range.From, range.AllAfter + 1), range.Through))
                marks.Add((range.User, mark));
            foreach (var mark in List(others, SqliteInboxChanges.ToMark, range.User, range.From, Math.Min(range.Through, range.AllAfter)))
                marks.Add((range.User, mark));
        }

        return Task.FromResult<IReadOnlyList<(long, InboxMark)>>(marks);
    }

    public Task<(IReadOnlyList<TopicVersion> Versions, long DownTo)> NewestAsync(IReadOnlyList<TopicRange> ranges, int wanted,
        CancellationToken cancellationToken)
    {
        // A few of each first. Only few can have more above the lowest wanted one; those are looked at again.
        var ofEach = Math.Min(wanted, Math.Max(LeastOfEach, 4 * wanted / Math.Max(1, ranges.Count)));
        var found = new List<TopicVersion>();
        var full = new List<TopicRange>();
        foreach (var range in ranges)
        {
            if (Find(range, ofEach) == ofEach) full.Add(range with { Through = found[^1].Version - 1 });
        }

        found.Sort((a, b) => b.Version.CompareTo(a.Version));
        var downTo = found.Count < wanted ? 0 : found[wanted - 1].Version;
        var place = downTo;
        foreach (var range in full)
        {
            var rest = range with { After = Math.Max(range.After, place - 1) };
            if (rest.After < rest.Through && Find(rest, wanted) == wanted) downTo = Math.Max(downTo, found[^1].Version);
        }

        found.RemoveAll(one => one.Version < downTo || one.ExpiresAt <= Head.Now);
        found.Sort((a, b) => b.Version.CompareTo(a.Version));
        return Task.FromResult<(IReadOnlyList<TopicVersion>, long)>((found, downTo));

        int Find(TopicRange range, int most)
        {
            var before = found.Count;
            using var rows = _statements.Query(range.Through < Head.Oldest ? NewestKept : Newest, range.TopicId, range.After, range.Through, most);
            while (rows.Read()) found.Add(new TopicVersion(rows.GetInt64(0), range.TopicId, SqliteInboxChanges.Time(rows, 1)));
            return found.Count - before;
        }
    }

    public Task<IReadOnlyList<TopicVersion>> ScanAsync(long after, long through, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<TopicVersion>>(List(
            Scan, rows => new TopicVersion(rows.GetInt64(0), rows.GetInt64(1), SqliteInboxChanges.Time(rows, 2)),
            after, through, Head.Now.ToUnixTimeMilliseconds()));

    public Task<IReadOnlyList<LogEntry>> ReadAsync(IReadOnlyCollection<long> versions, int maxBytes, CancellationToken cancellationToken)
    {
        var entries = new List<LogEntry>();
        var bytes = 0L;
        foreach (var version in versions.OrderDescending())
        {
            if (bytes >= maxBytes) break;
            foreach (var entry in List(version < Head.Oldest ? KeptEntry : Entry, ToEntry, version))
            {
                entries.Add(entry);
                bytes += entry.Content.Length;
            }
        }

        return Task.FromResult<IReadOnlyList<LogEntry>>(entries);
    }

    public Task<IReadOnlyList<InboxItem>> FindItemsAsync(IReadOnlyCollection<long> versions, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<InboxItem>>([.. versions.Distinct().OrderDescending()
            .SelectMany(version => List(version < Head.Oldest ? KeptItem : Item, ToItem, version))]);

    private static LogTopic ToTopic(SqliteDataReader rows) => new(rows.GetInt64(0), rows.GetString(1));

    private static InboxItem ToItem(SqliteDataReader rows) => new(rows.GetInt64(0), rows.GetInt64(1), rows.GetString(2), SqliteInboxChanges.Time(rows, 3));

    public static LogEntry ToEntry(SqliteDataReader rows) => new()
    {
        Version = rows.GetInt64(0),
        Id = rows.GetId(1),
        Kind = (EntryKind)rows.GetInt16(2),
        Topic = rows.GetString(3),
        TopicSeq = rows.GetInt64(4),
        PublishedAt = rows.GetTime(5),
        ExpiresAt = SqliteInboxChanges.Time(rows, 6),
        Content = rows.GetFieldValue<byte[]>(7),
    };

    private List<T> List<T>(string sql, Func<SqliteDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        using var rows = _statements.Query(sql, values);
        var list = new List<T>();
        while (rows.Read()) list.Add(row(rows));
        return list;
    }
}
