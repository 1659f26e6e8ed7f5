using Microsoft.Data.Sqlite;

namespace Notify.Storage.Sqlite;

/// <summary>
/// The database file, held by one process for its life: a second one would number the same versions and never see the
/// first one's appends in its tail.
/// </summary>
internal sealed class SqliteFile : IDisposable
{
    private const string Setting = "Notify:Storage:SqlitePath";

    private readonly FileStream _lock;
    private readonly string _connectionString;

    private SqliteFile(string path, FileStream held)
    {
        _lock = held;
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            Pooling = false,
            DefaultTimeout = BusySeconds,
        }.ConnectionString;
    }

    /// <summary>How long a command waits for somebody else's lock (a backup, the sqlite3 shell) before it gives up.</summary>
    private const int BusySeconds = 3;

    /// <exception cref="StorageMisconfiguredException">The path cannot be used, or another process uses it.</exception>
    public static SqliteFile Hold(string path)
    {
        if (string.IsNullOrWhiteSpace(path) || path.Contains(":memory:", StringComparison.Ordinal))
            throw Misconfigured("must name a file, such as data/notify.db");
        var full = Path.GetFullPath(path);
        if (System.IO.Directory.Exists(full))
            throw Misconfigured($"is {full}, a folder; it must name a file in it, such as {Path.Combine(full, "notify.db")}");

        var lockPath = full + ".lock";
        try
        {
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Misconfigured($"is {full}, whose folder cannot be made; make it, or set a path this process may write to", error);
        }

        try
        {
            return new SqliteFile(full, new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException error)
        {
            throw Misconfigured($"is {full}, in a folder this process may not write to; allow it, or set another path", error);
        }
        catch (IOException error)
        {
            throw Misconfigured($"is {full}, which another process holds ({lockPath} is locked, perhaps by a Notify that still runs); stop it, or set another path", error);
        }
    }

    /// <summary>A new connection; the first one makes the file.</summary>
    public SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            using var pragmas = connection.CreateCommand();
            pragmas.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;";
            pragmas.ExecuteNonQuery();
            return connection;
        }
        catch (SqliteException error) when (SqliteErrors.IsNotADatabase(error))
        {
            connection.Dispose();
            throw Misconfigured($"is {connection.DataSource}, which is not a SQLite database; set another path", error);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public void Dispose() => _lock.Dispose();

    private static StorageMisconfiguredException Misconfigured(string wrong, Exception? inner = null) => new($"{Setting} {wrong}.", inner);
}
