using Microsoft.Data.Sqlite;
using Notify.Storage.Log;

namespace Notify.Storage.Sqlite;

/// <summary>Reads the log. Each statement sees what is committed when it begins.</summary>
internal sealed class SqliteReader(SqliteReaders readers)
{
    private const string Head = """
        SELECT epoch, coalesce(last.last_version, 0), oldest, coalesce(last.last_change, 0)
        FROM log_head LEFT JOIN (SELECT last_version, last_change FROM appends ORDER BY last_version DESC LIMIT 1) AS last ON true
        """;

    private const string Columns = """
        SELECT n.version, n.id, n.kind, coalesce(topics.name, n.name), n.topic_seq, n.published_at, n.expires_at, n.content
        FROM notifications AS n LEFT JOIN topics ON topics.id = n.topic_id

        """;

    private const string Range = Columns + "WHERE n.version > ?1 AND n.version <= ?2 ORDER BY n.version LIMIT ?3";

    private const string OfTopic = """
        SELECT version FROM notifications WHERE topic_id = ?1 AND version > ?2 AND version <= ?3 ORDER BY version LIMIT ?4
        """;

    private const string OfTopicBack = """
        SELECT version FROM notifications WHERE topic_id = ?1 AND version < ?2 ORDER BY version DESC LIMIT ?3
        """;

    private const string ByVersion = Columns + "WHERE n.version = ?1";

    private const string ById = Columns + "WHERE n.id = ?1 AND n.kind = 0 AND n.version >= (SELECT oldest FROM log_head)";

    private const string TopicByName = "SELECT id, name FROM topics WHERE name = ?1";

    private const string TopicsByPrefix = """
        SELECT id, name FROM topics
        WHERE name >= ?1 AND name <= ?2 AND substr(name, 1, length(?1)) = ?1 ORDER BY name LIMIT ?3
        """;

    public Task<LogHead> ReadHeadAsync(CancellationToken cancellationToken) => readers.ReadAsync(ReadHead, cancellationToken);

    public Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        readers.ReadAsync(
            statements =>
            {
                var head = ReadHead(statements);
                var entries = new List<LogEntry>();
                var bytes = 0L;
                using (var reader = statements.Query(Range, after, head.Head, maxEntries))
                {
                    while (bytes < maxBytes && reader.Read())
                    {
                        entries.Add(ToEntry(reader));
                        bytes += entries[^1].Content.Length;
                    }
                }

                var through = entries.Count == 0 ? head.Head : entries[^1].Version;
                return new LogPage(entries, through, head with { Oldest = ReadHead(statements).Oldest });
            },
            cancellationToken);

    public Task<LogPage> ReadTopicsAsync(
        IReadOnlyCollection<long> topicIds, long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        readers.ReadAsync(
            statements =>
            {
                var head = ReadHead(statements);
                var (versions, through) = Versions(statements, [.. topicIds.Distinct()], after, head.Head, maxEntries);
                return Page(statements, head, versions, through, maxEntries, maxBytes);
            },
            cancellationToken);

    public Task<LogPage> ReadTopicsBackAsync(
        IReadOnlyCollection<long> topicIds, long before, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        readers.ReadAsync(
            statements =>
            {
                var head = ReadHead(statements);
                var (versions, through) = VersionsBack(statements, [.. topicIds.Distinct()], before, maxEntries);
                return Page(statements, head, versions, through, maxEntries, maxBytes);
            },
            cancellationToken);

    public Task<LogEntry?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        readers.ReadAsync(
            statements =>
            {
                using var reader = statements.Query(ById, id.ToByteArray(true));
                return reader.Read() ? ToEntry(reader) : null;
            },
            cancellationToken);

    public Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        readers.ReadAsync<IReadOnlyList<LogTopic>>(
            statements => [.. names.Distinct(StringComparer.Ordinal).SelectMany(name => ReadTopics(statements, TopicByName, name))],
            cancellationToken);

    public Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, int limit, CancellationToken cancellationToken) =>
        readers.ReadAsync<IReadOnlyList<LogTopic>>(
            statements => ReadTopics(statements, TopicsByPrefix, prefix, LogLimits.LastWithPrefix(prefix), limit),
            cancellationToken);

    private static LogPage Page(SqliteStatements statements, LogHead head, List<long> versions, long through, int maxEntries, int maxBytes)
    {
        var entries = new List<LogEntry>();
        var bytes = 0L;
        foreach (var version in versions)
        {
            if (bytes >= maxBytes || entries.Count == maxEntries)
            {
                through = entries[^1].Version;
                break;
            }

            using var reader = statements.Query(ByVersion, version);
            if (!reader.Read())
                continue; // dropped just now: below the oldest version read next
            entries.Add(ToEntry(reader));
            bytes += entries[^1].Content.Length;
        }

        return new LogPage(entries, through, head with { Oldest = ReadHead(statements).Oldest });
    }

    /// <summary>
    /// The next versions of these topics, in order, and up to where they are complete: a topic of which more follow hides
    /// its later ones. With many topics not each can fill the page: a whole page of each would cost their product.
    /// </summary>
    private static (List<long> Versions, long Through) Versions(
        SqliteStatements statements, long[] topics, long after, long head, int maxEntries)
    {
        var ofEach = OfEach(topics, maxEntries);
        var versions = new List<long>();
        var through = head;
        foreach (var topic in topics)
        {
            var found = 0;
            using var reader = statements.Query(OfTopic, topic, after, head, ofEach);
            while (reader.Read())
            {
                versions.Add(reader.GetInt64(0));
                found++;
            }

            if (found == ofEach)
                through = Math.Min(through, versions[^1]);
        }

        versions.RemoveAll(version => version > through);
        versions.Sort();
        return (versions, through);
    }

    /// <summary>The same the other way: below a version, newest first, complete down to where a topic stopped.</summary>
    private static (List<long> Versions, long Through) VersionsBack(SqliteStatements statements, long[] topics, long before, int maxEntries)
    {
        var ofEach = OfEach(topics, maxEntries);
        var versions = new List<long>();
        var through = 1L;
        foreach (var topic in topics)
        {
            var found = 0;
            using var reader = statements.Query(OfTopicBack, topic, before, ofEach);
            while (reader.Read())
            {
                versions.Add(reader.GetInt64(0));
                found++;
            }

            if (found == ofEach)
                through = Math.Max(through, versions[^1]);
        }

        versions.RemoveAll(version => version < through);
        versions.Sort((a, b) => b.CompareTo(a));
        return (versions, through);
    }

    private static long OfEach(long[] topics, int maxEntries) =>
        Math.Min(maxEntries + 1L, Math.Max(16, 4L * maxEntries / Math.Max(1, topics.Length)));

    public static LogHead ReadHead(SqliteStatements statements)
    {
        using var reader = statements.Query(Head);
        reader.Read();
        return new LogHead(reader.GetId(0), reader.GetInt64(1), reader.GetInt64(2)) { LastChange = reader.GetInt64(3) };
    }

    private static List<LogTopic> ReadTopics(SqliteStatements statements, string sql, params ReadOnlySpan<object?> values)
    {
        using var reader = statements.Query(sql, values);
        var topics = new List<LogTopic>();
        while (reader.Read())
            topics.Add(new LogTopic(reader.GetInt64(0), reader.GetString(1)));
        return topics;
    }

    private static LogEntry ToEntry(SqliteDataReader reader) => new()
    {
        Version = reader.GetInt64(0),
        Id = reader.GetId(1),
        Kind = (EntryKind)reader.GetInt16(2),
        Topic = reader.GetString(3),
        TopicSeq = reader.GetInt64(4),
        PublishedAt = reader.GetTime(5),
        ExpiresAt = reader.IsDBNull(6) ? null : reader.GetTime(6),
        Content = reader.GetFieldValue<byte[]>(7),
    };
}
