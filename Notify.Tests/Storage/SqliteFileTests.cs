using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Notify.Storage;
using Notify.Storage.Log;
using Notify.Storage.Model;
using Notify.Storage.Sqlite;

namespace Notify.Tests.Storage;

/// <summary>What only a file can do: be held, be full, be locked, be left half migrated.</summary>
public sealed class SqliteFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("notify-sqlite-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string FilePath => Path.Combine(_folder, "made", "when", "missing", "log.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_second_process_is_told_which_file_is_held()
    {
        await using (await OpenAsync())
        {
            var error = await Assert.ThrowsAsync<StorageMisconfiguredException>(OpenAsync);
            Assert.Contains("Notify:Storage:SqlitePath", error.Message, StringComparison.Ordinal);
            Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
        }

        await using var log = await OpenAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData(":memory:")]
    [InlineData("/proc/nowhere/log.db")]
    [InlineData("/")]
    public async Task A_path_that_cannot_be_used_is_told_with_its_setting(string path)
    {
        var error = await Assert.ThrowsAsync<StorageMisconfiguredException>(() => LogStore.OpenAsync(new() { SqlitePath = path }, Stop));
        Assert.Contains("Notify:Storage:SqlitePath", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_something_else_is_told()
    {
        var path = Path.Combine(_folder, "text.db");
        await File.WriteAllTextAsync(path, string.Concat(Enumerable.Repeat("no database", 100)), Stop);
        var error = await Assert.ThrowsAsync<StorageMisconfiguredException>(() => LogStore.OpenAsync(new() { SqlitePath = path }, Stop));
        Assert.Contains("not a SQLite database", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Everything_is_there_after_a_restart()
    {
        AppendResult first;
        await using (var log = await OpenAsync())
            first = await log.AppendAsync(Batch("a", "b"), Stop);
        await using var again = await OpenAsync();
        Assert.Equal(new LogHead(first.Epoch, 2, 1), await again.ReadHeadAsync(Stop));
        Assert.Equal(2, Assert.Single((await again.AppendAsync(Batch("a"), Stop)).Stored).TopicSeq);
    }

    [Fact]
    public void The_schema_that_counts_as_current_is_the_last_migration()
    {
        using var context = new SqliteContextFactory().CreateDbContext([]);
        Assert.Equal(SqliteSchema.Current, context.Database.GetMigrations().Last());
        Assert.False(context.Database.HasPendingModelChanges());
    }

    [Fact]
    public async Task A_new_file_is_made_whole_or_not_at_all_and_has_had_every_migration()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        await using var connection = await ConnectAsync();
        await ExecuteAsync(connection, "CREATE TABLE rival (id); CREATE INDEX groups_rule_revision ON rival (id)"); // an index of the last migration
        await Assert.ThrowsAnyAsync<Exception>(OpenAsync);
        await using (var count = new SqliteCommand("SELECT count(*) FROM sqlite_schema", connection)) Assert.Equal(2L, await count.ExecuteScalarAsync(Stop));

        await ExecuteAsync(connection, "DROP TABLE rival");
        await using (await OpenAsync())
        {
        }

        await using var context = SqliteSchema.Context(connection, MigrationHistory.Own);
        Assert.Equal(context.Database.GetMigrations(), await context.Database.GetAppliedMigrationsAsync(Stop));
    }

    [Fact]
    public async Task A_migration_that_was_killed_does_not_hold_up_the_next_start()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        await using (var connection = await ConnectAsync())
        {
            await using var context = SqliteSchema.Context(connection, MigrationHistory.Own);
            await context.GetService<IMigrator>().MigrateAsync(SqliteSchema.First, Stop);
            await ExecuteAsync(connection, """INSERT INTO "__EFMigrationsLock" VALUES (1, '2026-01-01 00:00:00+00:00')"""); // as EF leaves it
        }

        await using var log = await OpenAsync().WaitAsync(TimeSpan.FromSeconds(30), Stop);
        Assert.Single((await log.AppendAsync(Batch("a"), Stop)).Stored);
    }

    [Fact]
    public async Task A_missing_schema_is_told_when_migration_is_turned_off()
    {
        var error = await Assert.ThrowsAsync<StorageMisconfiguredException>(
            () => LogStore.OpenAsync(new() { SqlitePath = FilePath, MigrateAtStart = false }, Stop));
        Assert.Contains("Notify:Storage:MigrateAtStart", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_locked_file_is_unavailable_until_it_is_free()
    {
        await using var log = await OpenAsync();
        await using (var holder = await ConnectAsync())
        {
            await ExecuteAsync(holder, "BEGIN IMMEDIATE");
            await Assert.ThrowsAsync<StorageUnavailableException>(() => log.AppendAsync(Batch("a"), Stop));
            Assert.Equal(0, (await log.ReadHeadAsync(Stop)).Head);
        }

        Assert.Equal(1, Assert.Single((await log.AppendAsync(Batch("a"), Stop)).Stored).Version);
    }

    [Fact]
    public async Task A_full_disk_is_unavailable_until_there_is_room()
    {
        await using var log = await OpenAsync();
        await log.AppendAsync(Batch("a"), Stop);
        await PragmaAsync(log, "max_page_count = 1"); // the least that holds what is there
        var batch = Batch([.. Enumerable.Range(0, 500).Select(n => $"topic/{n}")]);
        await Assert.ThrowsAsync<StorageUnavailableException>(() => log.AppendAsync(batch, Stop));
        Assert.Equal(1, (await log.ReadHeadAsync(Stop)).Head);
        Assert.Single((await log.ReadAsync(0, 10, 1000, Stop)).Entries);

        await PragmaAsync(log, "max_page_count = 1000000");
        Assert.Equal(500, (await log.AppendAsync(batch, Stop)).Stored.Count);
    }

    [Fact]
    public async Task A_file_that_became_read_only_is_unavailable_until_it_is_writable()
    {
        await using var log = await OpenAsync();
        await PragmaAsync(log, "query_only = 1");
        await Assert.ThrowsAsync<StorageUnavailableException>(() => log.AppendAsync(Batch("a"), Stop));
        await PragmaAsync(log, "query_only = 0");
        Assert.Equal(1, Assert.Single((await log.AppendAsync(Batch("a"), Stop)).Stored).Version);
    }

    [Fact]
    public async Task Rows_that_the_file_refuses_are_found_among_good_ones()
    {
        await using var log = await OpenAsync();
        await using (var connection = await ConnectAsync())
        {
            await ExecuteAsync(connection, """
                CREATE TRIGGER refuse BEFORE INSERT ON notifications WHEN new.topic_id IN (SELECT id FROM topics WHERE name = 'bad')
                BEGIN SELECT raise(ABORT, 'not this'); END
                """);
        }

        var result = await log.AppendAsync(Batch("a", "bad", "b", "bad"), Stop);
        Assert.Equal([1L, 2L], result.Stored.Select(entry => entry.Version));
        Assert.IsType<AppendOutcome.Refused>(result.Outcomes[1]);
        Assert.IsType<AppendOutcome.Refused>(result.Outcomes[3]);
    }

    private Task<INotificationLog> OpenAsync() => LogStore.OpenAsync(new() { SqlitePath = FilePath }, Stop);

    private static Task PragmaAsync(INotificationLog log, string pragma) =>
        ((SqliteLog)log).Writer.UseAsync(statements => statements.Scalar($"PRAGMA {pragma}"), Stop);

    private async Task<SqliteConnection> ConnectAsync()
    {
        var connection = new SqliteConnection($"Data Source={FilePath};Pooling=False");
        await connection.OpenAsync(Stop);
        return connection;
    }

    private static async Task ExecuteAsync(SqliteConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Stop);
    }

    private static AppendBatch Batch(params string[] topics) =>
        new(Guid.NewGuid(), [.. topics.Select(topic => new NewEntry { Id = Guid.CreateVersion7(), Topic = topic, Content = "{}"u8.ToArray() })]);
}
