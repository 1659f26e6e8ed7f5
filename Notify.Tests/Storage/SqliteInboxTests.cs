using Notify.Storage.Log;
using Notify.Storage.Sqlite;
using Notify.Tests.Specifications;

namespace Notify.Tests.Storage;

/// <summary>The inbox's specification on SQLite.</summary>
public sealed class SqliteInboxTests : InboxSpecification
{
    private readonly string _folder = Directory.CreateTempSubdirectory("notify-sqlite-").FullName;

    private SqliteWriter Writer => ((SqliteLog)Log).Writer;

    protected override async Task<INotificationLog> OpenAsync() =>
        await SqliteLog.OpenAsync(new() { SqlitePath = Path.Combine(_folder, "log.db"), InboxMaxAge = MaxAge }, Stop);

    protected override Task AgeAsync(long through, TimeSpan by) => Writer.UseAsync(
        statements =>
        {
            statements.Execute("UPDATE notifications SET published_at = published_at - ?1 WHERE version <= ?2", (long)by.TotalMilliseconds, through);
            statements.Execute("UPDATE inbox_kept SET published_at = published_at - ?1 WHERE version <= ?2", (long)by.TotalMilliseconds, through);
        },
        Stop);

    protected override Task ExpireAsync(long version) => Writer.UseAsync(
        statements =>
        {
            statements.Execute("UPDATE notifications SET expires_at = 1 WHERE version = ?1", version);
            statements.Execute("UPDATE inbox_kept SET expires_at = 1 WHERE version = ?1", version);
            statements.Execute("UPDATE inbox_marks SET expires_at = 1 WHERE version = ?1", version);
        },
        Stop);

    protected override async Task<long> CountRowsAsync(string table)
    {
        var rows = 0L;
        await Writer.UseAsync(statements => rows = (long)statements.Scalar($"SELECT count(*) FROM {table}")!, Stop);
        return rows;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
