using Notify.Storage.Log;

namespace Notify.Storage.Sqlite;

/// <summary>What becomes old: recorded first, then deleted in steps between which appends have their turn.</summary>
internal sealed class SqliteRetention(SqliteWriter writer, SqliteReader reader, TimeProvider time)
{
    /// <summary>In one transaction, which also copies what inboxes still owe of them.</summary>
    private const int VersionsAStep = 5_000;
    private const int RowsAStep = 2_000;

    private const string FirstYoung = """
        SELECT version FROM notifications WHERE version >= ?1 AND version <= ?2 AND published_at >= ?3 ORDER BY version LIMIT 1
        """;

    private const string RecordOldest = "UPDATE log_head SET oldest = ?1 WHERE oldest < ?1";

    /// <summary>All of the topics', expired ones too, so that their sequences stay dense.</summary>
    private const string Keep = """
        INSERT OR IGNORE INTO inbox_kept (version, id, topic_id, topic_seq, published_at, expires_at, content)
        SELECT n.version, n.id, n.topic_id, n.topic_seq, n.published_at, n.expires_at, n.content
        FROM notifications AS n JOIN topics AS t ON t.id = n.topic_id
        WHERE n.version >= ?1 AND n.version < ?2 AND t.name >= '$' AND t.name < '%'
        """;

    private const string DropRows = """
        DELETE FROM notifications WHERE version IN
            (SELECT version FROM notifications WHERE version < (SELECT oldest FROM log_head) ORDER BY version LIMIT ?1)
        """;

    private const string ForgetAnswers = """
        DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency WHERE created_at < ?2 ORDER BY created_at LIMIT ?1)
        """;

    /// <summary>The last append is the head of the log: it stays, however old.</summary>
    private const string ForgetBatches = """
        DELETE FROM appends WHERE last_version IN (SELECT last_version FROM appends ORDER BY last_version LIMIT ?1)
            AND appended_at < ?2 AND last_version < (SELECT max(last_version) FROM appends)
        """;

    private readonly SqliteUnusedTopics _unused = new(writer);

    public async Task<LogHead> SweepAsync(TimeSpan maxAge, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await RecordOldestAsync(now - maxAge, cancellationToken);
        var forgotten = (now - LogLimits.AnswersKept).ToUnixTimeMilliseconds();
        await InStepsAsync(DropRows, null, cancellationToken);
        await InStepsAsync(ForgetAnswers, forgotten, cancellationToken);
        await InStepsAsync(ForgetBatches, forgotten, cancellationToken);
        await _unused.RemoveAsync(cancellationToken); // their rows are dropped by now
        return await reader.ReadHeadAsync(cancellationToken);
    }

    private async Task RecordOldestAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        var head = await reader.ReadHeadAsync(cancellationToken);
        var oldest = head.Oldest;
        while (oldest <= head.Head)
        {
            var first = oldest;
            var last = Math.Min(first + VersionsAStep - 1, head.Head);
            var young = await writer.TransactAsync(
                statements =>
                {
                    var found = statements.Scalar(FirstYoung, first, last, since.ToUnixTimeMilliseconds()) as long?;
                    statements.Execute(Keep, first, found ?? last + 1);
                    statements.Execute(RecordOldest, found ?? last + 1);
                    return found;
                },
                cancellationToken);
            oldest = young ?? last + 1;
            if (young is not null)
                return;
        }
    }

    private async Task InStepsAsync(string sql, long? before, CancellationToken cancellationToken)
    {
        int deleted;
        do
        {
            deleted = await writer.TransactAsync(
                statements => before is null ? statements.Execute(sql, RowsAStep) : statements.Execute(sql, RowsAStep, before),
                cancellationToken);
        }
        while (deleted == RowsAStep);
    }
}
