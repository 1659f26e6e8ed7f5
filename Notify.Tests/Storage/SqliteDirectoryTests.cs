using Notify.Storage.Log;
using Notify.Storage.Sqlite;
using Notify.Tests.Specifications;

namespace Notify.Tests.Storage;

/// <summary>The directory's specification on SQLite.</summary>
public sealed class SqliteDirectoryTests : DirectorySpecification
{
    private readonly string _folder = Directory.CreateTempSubdirectory("notify-sqlite-").FullName;

    protected override async Task<INotificationLog> OpenAsync() =>
        await SqliteLog.OpenAsync(new() { SqlitePath = Path.Combine(_folder, "log.db") }, Stop);

    protected override async Task AgeAsync(long through, TimeSpan by) =>
        await ((SqliteLog)Log).Writer.UseAsync(
            statements => statements.Execute(
                "UPDATE notifications SET published_at = published_at - ?1 WHERE version <= ?2", (long)by.TotalMilliseconds, through),
            Stop);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
