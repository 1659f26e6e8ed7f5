using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Storage.Sqlite;

/// <summary>Inboxes in the log's file.</summary>
internal sealed class SqliteInbox(SqliteWriter writer, SqliteReaders readers, TimeProvider time) : IInbox
{
    private const int RowsAStep = 2000;

    private const string KeptFrom = "(SELECT min(oldest, coalesce((SELECT min(version) FROM inbox_kept), oldest)) FROM log_head)";

    private const string ForgetMarks = $"""
        DELETE FROM inbox_marks WHERE (user_id, version) IN
            (SELECT user_id, version FROM inbox_marks WHERE version < {KeptFrom} ORDER BY version LIMIT ?1)
        """;

    private const string ForgetWatermarks = $"""
        DELETE FROM inbox_watermarks WHERE (user_id, filter) IN
            (SELECT user_id, filter FROM inbox_watermarks WHERE up_to < {KeptFrom} ORDER BY up_to LIMIT ?1)
        """;

    /// <summary>From the lowest version on, so that what is left is whole above the lowest one.</summary>
    private const string DropKept = """
        DELETE FROM inbox_kept WHERE version IN (SELECT version FROM inbox_kept ORDER BY version LIMIT ?1)
            AND version < coalesce((SELECT min(version) FROM (SELECT version, published_at FROM inbox_kept ORDER BY version LIMIT ?1)
                                    WHERE published_at >= ?2), 9223372036854775807)
            AND version < (SELECT oldest FROM log_head)
        """;

    private const string FindKept = """
        SELECT k.version, k.id, 0, t.name, k.topic_seq, k.published_at, k.expires_at, k.content
        FROM inbox_kept AS k JOIN topics AS t ON t.id = k.topic_id WHERE k.id = ?1 AND k.version < (SELECT oldest FROM log_head)
        """;

    public Task<T> ReadAsync<T>(IReadOnlyCollection<string> users, Func<IInboxSnapshot, Task<T>> read, CancellationToken cancellationToken) =>
        readers.ReadAsync(
        statements =>
        {
            statements.Execute("BEGIN");
            try
            {
                // The snapshot answers at once: nothing is waited for.
                return read(new SqliteInboxSnapshot(statements, users, time.GetUtcNow())).GetAwaiter().GetResult();
            }
            finally
            {
                statements.Execute("COMMIT");
            }
        },
        cancellationToken);

    public Task<LogEntry?> FindKeptAsync(Guid id, CancellationToken cancellationToken) => readers.ReadAsync(
        statements =>
        {
            using var rows = statements.Query(FindKept, id.ToByteArray(true));
            return rows.Read() ? SqliteInboxSnapshot.ToEntry(rows) : null;
        },
        cancellationToken);

    /// <summary>What is kept too long, and marks of what is no longer kept; part of the log's sweep.</summary>
    public async Task SweepAsync(TimeSpan maxAge, CancellationToken cancellationToken)
    {
        var since = (time.GetUtcNow() - maxAge).ToUnixTimeMilliseconds();
        while (await writer.TransactAsync(statements => statements.Execute(DropKept, RowsAStep, since), cancellationToken) == RowsAStep)
        {
        }

        foreach (var sql in (string[])[ForgetMarks, ForgetWatermarks])
        {
            while (await writer.TransactAsync(statements => statements.Execute(sql, RowsAStep), cancellationToken) == RowsAStep)
            {
            }
        }
    }
}
