using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Notify.Storage;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Storage;

/// <summary>One process a file, whatever the file is called; and what is wrong with a path, by its own cause.</summary>
public sealed class SqliteHoldTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TempFolder _folder = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string FilePath => Path.Combine(_folder.Path, "data", "n.db");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("data/n.db")]
    [InlineData("link.db")]
    [InlineData("folder/n.db")]
    [InlineData("data/../folder/./link-in-it.db")]
    public async Task Another_process_does_not_get_the_file_by_any_of_its_names(string name)
    {
        await using var log = await OpenAsync(FilePath);
        File.CreateSymbolicLink(_folder.File("link.db"), FilePath);
        Directory.CreateSymbolicLink(_folder.File("folder"), Path.GetDirectoryName(FilePath)!);
        File.CreateSymbolicLink(Path.Combine(_folder.Path, "data", "link-in-it.db"), "n.db");
        foreach (var left in Directory.GetFiles(_folder.Path, "*.lock", SearchOption.AllDirectories)) File.Delete(left);

        await using var second = ChildProcess.Start(
            "dotnet", [Repository.ServerDll, "--Urls=http://127.0.0.1:0", $"--Notify:Storage:SqlitePath={name}"], _folder.Path,
            new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Development", ["ASPNETCORE_URLS"] = null });
        await second.WaitForExitAsync(Limit);
        Assert.Equal(1, second.ExitCode);
        Assert.Contains("is in use by another process", second.Lines[^1], StringComparison.Ordinal);
        Assert.Contains($"'{name}' in the working directory", second.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_of_the_same_process_does_not_get_it_either_and_the_first_ones_locks_stay()
    {
        await using var log = await OpenAsync(FilePath);
        await log.AppendAsync(Batch("a"), Stop);
        var locks = await LocksAsync();
        Assert.Contains(locks, line => line.Contains("POSIX", StringComparison.Ordinal)); // SQLite's own
        Assert.Contains(locks, line => line.Contains("OFDLCK", StringComparison.Ordinal)); // this product's

        File.CreateSymbolicLink(_folder.File("link.db"), FilePath);
        foreach (var name in new[] { FilePath, _folder.File("link.db") })
            Assert.Contains("in use", await ToldAsync(name), StringComparison.Ordinal);
        Assert.Equal(locks, await LocksAsync());
    }

    [Fact]
    public async Task It_is_free_again_once_the_log_is_closed()
    {
        await using (var log = await OpenAsync(FilePath)) await log.AppendAsync(Batch("a"), Stop);
        Assert.Empty(await LocksAsync());
        await using var again = await OpenAsync(FilePath);
        Assert.Equal(1, (await again.ReadHeadAsync(Stop)).Head);
    }

    [Fact]
    public async Task A_file_with_two_names_is_refused_until_it_has_one()
    {
        await using (await OpenAsync(FilePath))
        {
        }

        var other = _folder.File("other.db");
        await ChildProcess.RunAsync("ln", [FilePath, other], _folder.Path, Limit);
        Assert.Contains("hard links", await ToldAsync(FilePath), StringComparison.Ordinal);
        Assert.Contains("hard links", await ToldAsync(other), StringComparison.Ordinal);
        File.Delete(other);
        await using var log = await OpenAsync(FilePath);
    }

    [Fact]
    public async Task A_process_of_an_earlier_version_that_still_runs_keeps_it()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        await using (new FileStream(FilePath + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
            Assert.Contains("in use", await ToldAsync(FilePath), StringComparison.Ordinal);
        await using var log = await OpenAsync(FilePath); // the file that it left means nothing
    }

    [Fact]
    public async Task Each_mistake_of_a_path_has_a_sentence_of_its_own()
    {
        Assert.Contains("longer than the file system allows", await ToldAsync(_folder.File(new string('a', 260) + ".db")), StringComparison.Ordinal);
        Assert.Contains("longer than the file system allows", await ToldAsync(Path.Combine(_folder.File(new string('a', 260)), "n.db")),
            StringComparison.Ordinal);
        Assert.Contains("a device", await ToldAsync("/dev/null"), StringComparison.Ordinal);
        Assert.Contains("is a folder", await ToldAsync(_folder.Path), StringComparison.Ordinal);
        Assert.Contains("cannot be made", await ToldAsync("/proc/none/n.db"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(_folder.File("text"), "no database, and long enough to be looked at as one", Stop);
        Assert.Contains("cannot be made", await ToldAsync(Path.Combine(_folder.File("text"), "n.db")), StringComparison.Ordinal);
        Assert.Contains("not a SQLite database", await ToldAsync(_folder.File("text")), StringComparison.Ordinal);
        File.CreateSymbolicLink(_folder.File("round.db"), _folder.File("round.db"));
        Assert.Contains("symbolic links", await ToldAsync(_folder.File("round.db")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_system_that_is_read_only_is_told_as_what_it_is()
    {
        Assert.SkipWhen(SmallDisk.WhyNot() is not null, SmallDisk.WhyNot() ?? "");
        var place = Directory.CreateDirectory(_folder.File("disk")).FullName;
        await using var disk = await SmallDisk.MountAsync(place, 4);
        await using (await OpenAsync(Path.Combine(place, "there.db")))
        {
        }

        using (var remount = Process.Start("mount", ["-o", "remount,ro", place])) await remount.WaitForExitAsync(Stop);
        Assert.Contains("mounted read-only", await ToldAsync(Path.Combine(place, "there.db")), StringComparison.Ordinal);
        Assert.Contains("mounted read-only", await ToldAsync(Path.Combine(place, "new.db")), StringComparison.Ordinal);
        Assert.Contains("Read-only file system", await ToldAsync(Path.Combine(place, "folder", "new.db")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_with_another_applications_migrations_is_used_and_they_are_left_alone()
    {
        await ExecuteAsync("""
            CREATE TABLE "__EFMigrationsHistory" ("MigrationId" TEXT PRIMARY KEY, "ProductVersion" TEXT NOT NULL);
            INSERT INTO "__EFMigrationsHistory" VALUES ('20270101000000_Shop', '10.0.0');
            """);
        for (var start = 1; start <= 2; start++)
        {
            await using var log = await OpenAsync(FilePath);
            Assert.Equal(start, Assert.Single((await log.AppendAsync(Batch("a"), Stop)).Stored).Version);
        }

        Assert.Equal("20270101000000_Shop", await ScalarAsync("""SELECT group_concat("MigrationId") FROM "__EFMigrationsHistory" """));
    }

    [Fact]
    public async Task A_file_of_an_earlier_version_goes_on_in_its_own_table_of_migrations()
    {
        await using (var log = await OpenAsync(FilePath)) await log.AppendAsync(Batch("a"), Stop);
        await ExecuteAsync("ALTER TABLE notify_migrations RENAME TO \"__EFMigrationsHistory\"");
        await using (var log = await OpenAsync(FilePath)) Assert.Equal(2, Assert.Single((await log.AppendAsync(Batch("a"), Stop)).Stored).Version);
        Assert.Equal("__EFMigrationsHistory",
            await ScalarAsync("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%migrations%' AND name NOT LIKE '%Lock'"));
    }

    [Theory]
    [InlineData("notifications")]
    [InlineData("Topics")]
    public async Task A_file_with_a_foreign_table_of_that_name_stops_the_start_with_a_sentence(string table)
    {
        await ExecuteAsync($"CREATE TABLE {table} (id INTEGER PRIMARY KEY)");
        var told = await ToldAsync(FilePath);
        Assert.Contains($"a table '{table}' that is not of Notify", told, StringComparison.Ordinal);
        Assert.Contains("Notify:Storage:SqlitePath", told, StringComparison.Ordinal);
        Assert.Contains(table, await ToldAsync(FilePath), StringComparison.Ordinal); // nothing was half made
    }

    [Fact]
    public async Task A_damaged_file_stops_the_start()
    {
        await using (var log = await OpenAsync(FilePath)) await log.AppendAsync(Batch([.. Enumerable.Range(0, 500).Select(n => $"topic/{n}")]), Stop);
        await using (var file = new FileStream(FilePath, FileMode.Open, FileAccess.Write))
        {
            file.Position = 100; // behind the header: the page of the schema
            await file.WriteAsync(Enumerable.Repeat((byte)0xEE, 3000).ToArray(), Stop);
        }

        Assert.Contains("is damaged", await ToldAsync(FilePath), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_that_must_be_there_is_never_made()
    {
        Assert.Contains("is not there; nothing was made", await ToldAsync(new StorageOptions { SqlitePath = FilePath, MayCreate = false }),
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
        await ExecuteAsync("CREATE TABLE shop (id INTEGER)");
        Assert.Contains("holds no log", await ToldAsync(new StorageOptions { SqlitePath = FilePath, MayCreate = false }), StringComparison.Ordinal);
        Assert.Equal("shop", await ScalarAsync("SELECT group_concat(name) FROM sqlite_schema"));
    }

    private static Task<INotificationLog> OpenAsync(string path) => LogStore.OpenAsync(new() { SqlitePath = path }, Stop);

    private static Task<string> ToldAsync(string path) => ToldAsync(new StorageOptions { SqlitePath = path });

    private static async Task<string> ToldAsync(StorageOptions options)
    {
        var told = (await Assert.ThrowsAsync<StorageMisconfiguredException>(() => LogStore.OpenAsync(options, Stop))).Message;
        Assert.StartsWith("Notify:Storage:SqlitePath", told, StringComparison.Ordinal);
        return told;
    }

    /// <summary>What the kernel knows of locks on the file.</summary>
    private async Task<string[]> LocksAsync()
    {
        var inode = (await ChildProcess.RunAsync("stat", ["-c", "%i", FilePath], _folder.Path, Limit))[0];
        return [.. (await File.ReadAllLinesAsync("/proc/locks", Stop)).Where(line => line.Contains($":{inode} ", StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..]).Order()];
    }

    private async Task<SqliteConnection> ConnectAsync()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        var connection = new SqliteConnection($"Data Source={FilePath};Pooling=False");
        await connection.OpenAsync(Stop);
        return connection;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Stop);
    }

    private async Task<string?> ScalarAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync(Stop) as string;
    }

    private static AppendBatch Batch(params string[] topics) =>
        new(Guid.NewGuid(), [.. topics.Select(topic => new NewEntry { Id = Guid.CreateVersion7(), Topic = topic, Content = "{}"u8.ToArray() })]);
}
