using Notify.Storage.Inbox;

namespace Notify.Storage.Sqlite;

/// <summary>Inboxes in the log's file.</summary>
internal sealed class SqliteInbox(SqliteWriter writer, SqliteReaders readers, TimeProvider time) : IInbox
{
    private const int RowsAStep = 2000;

    private const string ForgetMarks = """
        DELETE FROM inbox_marks WHERE (user_id, version) IN
            (SELECT user_id, version FROM inbox_marks WHERE version < (SELECT oldest FROM log_head) ORDER BY version LIMIT ?1)
        """;

    private const string ForgetWatermarks = """
        DELETE FROM inbox_watermarks WHERE (user_id, filter) IN
            (SELECT user_id, filter FROM inbox_watermarks WHERE up_to < (SELECT oldest FROM log_head) ORDER BY up_to LIMIT ?1)
        """;

    public Task<T> ReadAsync<T>(IReadOnlyCollection<string> users, Func<IInboxSnapshot, Task<T>> read, CancellationToken cancellationToken) => readers.ReadAsync(
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

    /// <summary>Marks of what is no longer kept; part of the log's sweep.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        foreach (var sql in (string[])[ForgetMarks, ForgetWatermarks])
        {
            while (await writer.TransactAsync(statements => statements.Execute(sql, RowsAStep), cancellationToken) == RowsAStep)
            {
            }
        }
    }
}
