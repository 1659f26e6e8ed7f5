using Notify.Storage.Log;
using Notify.Storage.Sqlite;
using Notify.Tests.Specifications;

namespace Notify.Tests.Storage;

/// <summary>What ends on SQLite.</summary>
public sealed class SqliteEndedRowsTests : EndedRowsSpecification
{
    private readonly string _folder = Directory.CreateTempSubdirectory("notify-sqlite-").FullName;

    private SqliteWriter Writer => ((SqliteLog)Log).Writer;

    protected override async Task<INotificationLog> OpenAsync() =>
        await SqliteLog.OpenAsync(new() { SqlitePath = Path.Combine(_folder, "log.db"), InboxMaxAge = InboxMaxAge }, Stop);

    protected override Task AgeAsync(TimeSpan by) => Writer.UseAsync(
        statements =>
        {
            statements.Execute("UPDATE notifications SET published_at = published_at - ?1", (long)by.TotalMilliseconds);
            statements.Execute("UPDATE inbox_kept SET published_at = published_at - ?1", (long)by.TotalMilliseconds);
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
