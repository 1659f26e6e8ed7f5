using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Notify.Storage.Log;

namespace Notify.Storage.Sqlite;

/// <summary>Appends a batch as one transaction of the writing connection.</summary>
internal sealed class SqliteAppend(SqliteWriter writer, TimeProvider time)
{
    private const string ReadHead = """
        SELECT epoch, coalesce(last.last_version, 0), coalesce(last.last_change, 0)
        FROM log_head LEFT JOIN (SELECT last_version, last_change FROM appends ORDER BY last_version DESC LIMIT 1) AS last ON true
        """;

    private const string FindBatch = "SELECT first_version, last_version FROM appends WHERE batch_id = ?1";

    private const string ReadRows = """
        SELECT version, id, topic_seq, published_at, expires_at FROM notifications
        WHERE version BETWEEN ?1 AND ?2 ORDER BY version
        """;

    private const string FindAnswer = """
        SELECT id, version, topic, published_at, request_hash FROM idempotency WHERE publisher = ?1 AND key = ?2
        """;

    private const string FindTopic = "SELECT id, last_seq FROM topics WHERE name = ?1";

    /// <summary>It may be one that was removed: it begins above every sequence that it can have had.</summary>
    private const string AddTopic = """
        INSERT INTO topics (name, used, last_seq) VALUES (?1, ?2, (SELECT topics_floor FROM log_head)) RETURNING id, last_seq
        """;

    private const string SetTopic = "UPDATE topics SET last_seq = ?2 WHERE id = ?1";

    private const string AddRow = """
        INSERT INTO notifications (version, id, kind, topic_id, name, topic_seq, published_at, expires_at, content)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        """;

    private const string AddAnswer = """
        INSERT INTO idempotency (publisher, key, request_hash, id, version, topic, published_at, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
        """;

    private const string AddBatch = """
        INSERT INTO appends (last_version, first_version, batch_id, appended_at, last_change) VALUES (?1, ?2, ?3, ?4, ?5)
        """;

    public async Task<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken)
    {
        var refused = AppendPlan.Unstorable(batch);
        while (true)
        {
            var current = -1;
            try
            {
                var answers = await writer.TransactAsync(
                    statements => Submit(statements, batch, AppendPlan.Positions(batch, refused), position => current = position),
                    cancellationToken,
                    error => new AppendOutcomeUnknownException($"The disk failed during the commit: {error.Message}", error));
                return answers.ResultOf(batch, refused);
            }
            catch (SqliteException error) when (SqliteErrors.IsRowError(error))
            {
                if (current < 0)
                    throw SqliteErrors.Unavailable(error);
                refused.Add(current, $"SQLite refused it ({error.SqliteErrorCode}): {error.Message}");
            }
        }
    }

    private AppendAnswers Submit(SqliteStatements statements, AppendBatch batch, List<int> positions, Action<int> at)
    {
        var answers = new AppendAnswers();
        var (head, lastChange) = (0L, 0L);
        using (var reader = statements.Query(ReadHead))
        {
            reader.Read();
            answers.Epoch = reader.GetId(0);
            (head, lastChange) = (reader.GetInt64(1), reader.GetInt64(2));
        }

        foreach (var position in positions)
            FindFirstAnswer(statements, batch.Entries[position].Key, answers);
        if (WasStored(statements, batch.Id, answers))
            return answers;

        var publishedAt = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var topics = new Dictionary<string, (long Id, long Seq)>(StringComparer.Ordinal);
        foreach (var position in positions)
        {
            var entry = batch.Entries[position];
            if (entry.Key is { } key && answers.ByKey.ContainsKey((key.Publisher, key.Key)))
                continue;
            at(position);
            var row = Store(statements, entry, head + answers.Rows.Count + 1, publishedAt, topics);
            answers.Rows.Add(row);
            if (entry.Kind != EntryKind.Notification) lastChange = row.Version;
            AddFirstAnswer(statements, entry, row, answers);
        }

        at(-1);
        foreach (var (id, seq) in topics.Values)
            statements.Row(SetTopic).Add(id).Add(seq).Write();
        if (answers.Rows.Count > 0)
        {
            statements.Row(AddBatch).Add(head + answers.Rows.Count).Add(head + 1).Add(batch.Id).Add(publishedAt.ToUnixTimeMilliseconds()).Add(lastChange)
                .Write();
        }

        return answers;
    }

    private static bool WasStored(SqliteStatements statements, Guid batchId, AppendAnswers answers)
    {
        long first, last;
        using (var batch = statements.Query(FindBatch, batchId.ToByteArray(true)))
        {
            if (!batch.Read())
                return false;
            (first, last) = (batch.GetInt64(0), batch.GetInt64(1));
        }

        using var rows = statements.Query(ReadRows, first, last);
        while (rows.Read())
            answers.Rows.Add(new StoredRow(rows.GetInt64(0), rows.GetId(1), rows.GetInt64(2), rows.GetTime(3), rows.IsDBNull(4) ? null : rows.GetTime(4)));
        return true;
    }

    private static StoredRow Store(
        SqliteStatements statements, NewEntry entry, long version, DateTimeOffset publishedAt, Dictionary<string, (long Id, long Seq)> topics)
    {
        long? topicId = null;
        var seq = 0L;
        if (entry.Kind == EntryKind.Notification)
        {
            ref var topic = ref CollectionsMarshal.GetValueRefOrAddDefault(topics, entry.Topic, out var known);
            if (!known)
                topic = FindOrAddTopic(statements, entry.Topic, version);
            seq = ++topic.Seq;
            topicId = topic.Id;
        }

        var expiresAt = LogLimits.Ttl(entry.TtlSeconds) is { } ttl ? publishedAt.AddSeconds(ttl) : (DateTimeOffset?)null;
        statements.Row(AddRow).Add(version).Add(entry.Id).Add((long)entry.Kind).Add(topicId).Add(topicId is null ? entry.Topic : null).Add(seq)
            .Add(publishedAt.ToUnixTimeMilliseconds()).Add(expiresAt?.ToUnixTimeMilliseconds()).Add(entry.Content.Span).Write();
        return new StoredRow(version, entry.Id, seq, publishedAt, expiresAt);
    }

    private static (long Id, long Seq) FindOrAddTopic(SqliteStatements statements, string name, long version) =>
        statements.Row(FindTopic).Add(name).Read() ?? statements.Row(AddTopic).Add(name).Add(version).Read()!.Value;

    private static void FindFirstAnswer(SqliteStatements statements, IdempotencyKey? key, AppendAnswers answers)
    {
        if (key is null)
            return;
        using var reader = statements.Query(FindAnswer, key.Publisher, key.Key);
        if (reader.Read())
        {
            answers.ByKey[(key.Publisher, key.Key)] = new FirstAnswer(
                reader.GetId(0), reader.GetInt64(1), reader.GetString(2), reader.GetTime(3), reader.GetFieldValue<byte[]>(4));
        }
    }

    private static void AddFirstAnswer(SqliteStatements statements, NewEntry entry, StoredRow row, AppendAnswers answers)
    {
        if (entry.Key is not { } key)
            return;
        statements.Row(AddAnswer).Add(key.Publisher).Add(key.Key).Add(key.RequestHash.Span).Add(entry.Id).Add(row.Version).Add(entry.Topic)
            .Add(row.PublishedAt.ToUnixTimeMilliseconds()).Write();
        answers.ByKey[(key.Publisher, key.Key)] = new FirstAnswer(entry.Id, row.Version, entry.Topic, row.PublishedAt, key.RequestHash);
    }
}
