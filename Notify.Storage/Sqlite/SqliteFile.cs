using Microsoft.Data.Sqlite;
using Notify.Storage.Log;

namespace Notify.Storage.Sqlite;

/// <summary>
/// The database file, held by one process for its life: a second one would number the same versions and never see the
/// first one's appends in its tail.
/// </summary>
internal sealed class SqliteFile : IDisposable
{
    private const string Setting = "Notify:Storage:SqlitePath";

    // errno of Linux, where each has a cause of its own for an operator.
    private const int ErrorInputOutput = 5;
    private const int ErrorNoSpace = 28;
    private const int ErrorReadOnly = 30;
    private const int ErrorNameTooLong = 36;
    private const int ErrorNoLocks = 37;
    private const int ErrorNotSupported = 95;
    private const int ErrorStale = 116;
    private const int ErrorQuota = 122;

    private readonly SqliteHold _hold;
    private readonly FileStream? _earlier;
    private readonly string _connectionString;

    private SqliteFile(SqlitePath path, SqliteHold hold, FileStream? earlier)
    {
        (_hold, _earlier, Path) = (hold, earlier, path);
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path.Full,
            Mode = SqliteOpenMode.ReadWrite, // it is there, and another one in its place would be another log
            Pooling = false,
            DefaultTimeout = BusySeconds,
        }.ConnectionString;
    }

    public SqlitePath Path { get; }

    /// <summary>How long a command waits for another process's lock (a backup, the sqlite3 shell) before it gives up.</summary>
    private const int BusySeconds = 3;

    /// <exception cref="StorageMisconfiguredException">The path cannot be used, or another process uses it.</exception>
    /// <exception cref="StorageUnavailableException">There is no room for it, or the disk failed.</exception>
    public static SqliteFile Hold(string given, bool mayCreate)
    {
        var path = SqlitePath.Of(given) ?? throw new StorageMisconfiguredException($"{Setting} must name a file, such as data/notify.db.");
        if (System.IO.Directory.Exists(path.Full))
            throw Misconfigured(path, $"is a folder; it must name a file in it, such as {System.IO.Path.Combine(path.Full, "notify.db")}");
        if (mayCreate) MakeFolder(path);

        SqliteHold? hold = null;
        try
        {
            hold = SqliteHold.Take(path.Full, mayCreate);
            return new SqliteFile(path, hold, HoldEarlier(path));
        }
        catch (SqliteHoldException error)
        {
            throw Told(path, error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw Misconfigured(path, "is in a folder this process may not write to; allow it, or set another path", error);
        }
        catch (StorageMisconfiguredException)
        {
            hold?.Dispose();
            throw;
        }
    }

    /// <summary>A new connection.</summary>
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
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>What of an error is for an operator to put right; null when waiting may help.</summary>
    public StorageMisconfiguredException? Mistake(SqliteException error) => SqliteErrors.Mistake(error) is { } wrong ? Misconfigured(Path, wrong, error) : null;

    public StorageMisconfiguredException Mistake(string wrong) => Misconfigured(Path, wrong);

    /// <summary>After every connection: what this closes would drop their locks.</summary>
    public void Dispose()
    {
        _hold.Dispose();
        _earlier?.Dispose();
    }

    private static void MakeFolder(SqlitePath path)
    {
        try
        {
            System.IO.Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path.Full)!);
        }
        catch (PathTooLongException error)
        {
            throw Misconfigured(path, "is longer than the file system allows; set a shorter one", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Misconfigured(path, $"is in a folder that cannot be made ({error.Message.TrimEnd('.')}); make it, or set a path this process may " +
                "write to", error);
        }
    }

    // Earlier versions locked a file beside it, by the name they were given. One that still runs holds it.
    private static FileStream? HoldEarlier(SqlitePath path)
    {
        try
        {
            var name = path.Full + ".lock";
            return File.Exists(name) ? new FileStream(name, FileMode.Open, FileAccess.ReadWrite, FileShare.None) : null;
        }
        catch (IOException error) when (error is not FileNotFoundException)
        {
            throw Held(path, error);
        }
        catch (Exception error) when (error is FileNotFoundException or UnauthorizedAccessException)
        {
            return null; // gone meanwhile, or of another user, and no earlier version shared a file between users
        }
    }

    private static Exception Told(SqlitePath path, SqliteHoldException error) => error.Failure switch
    {
        SqliteHoldFailure.Held => Held(path, error),
        SqliteHoldFailure.Linked => Misconfigured(path, "has more than one name (hard links), and SQLite keeps a log of its own beside each; remove " +
            "the other names, or set the path of a copy", error),
        SqliteHoldFailure.NotAFile => Misconfigured(path, "is not a file but a device, a pipe or a socket; set another path", error),
        SqliteHoldFailure.Missing => Misconfigured(path, "is not there; nothing was made. Use the settings and the working directory of the service", error),
        _ => error.Errno switch
        {
            ErrorNameTooLong => Misconfigured(path, "is longer than the file system allows; set a shorter one", error),
            ErrorReadOnly => Misconfigured(path, "is on a file system that is mounted read-only; set a path that can be written to", error),
            ErrorNoLocks or ErrorNotSupported => Misconfigured(path, "is on a file system that cannot lock files; set a path on a local disk", error),
            ErrorInputOutput or ErrorNoSpace or ErrorStale or ErrorQuota =>
                new StorageUnavailableException($"The SQLite file {path} cannot be opened: {error.Message}.", error),
            _ => Misconfigured(path, $"cannot be opened for reading and writing ({error.Message}); allow it to this process, or set another path", error),
        },
    };

    private static StorageMisconfiguredException Held(SqlitePath path, Exception error) =>
        Misconfigured(path, "is in use by another process, perhaps a Notify that still runs; stop it, or set another path", error);

    private static StorageMisconfiguredException Misconfigured(SqlitePath path, string wrong, Exception? inner = null) =>
        new($"{Setting}: {path} {wrong}.", inner);
}
