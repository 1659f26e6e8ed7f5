using Microsoft.Data.Sqlite;
using Notify.Storage.Log;
using SQLitePCL;

namespace Notify.Storage.Sqlite;

/// <summary>What a SQLite error means for the caller.</summary>
internal static class SqliteErrors
{
    /// <summary>A value of the row at hand is what the database does not take.</summary>
    public static bool IsRowError(SqliteException error) =>
        error.SqliteErrorCode is raw.SQLITE_TOOBIG or raw.SQLITE_CONSTRAINT or raw.SQLITE_MISMATCH;

    public static bool IsDiskError(SqliteException error) => error.SqliteErrorCode == raw.SQLITE_IOERR;

    /// <summary>What makes a start hopeless, as the end of "The file … "; null when it may work later.</summary>
    public static string? Mistake(SqliteException error) => error.SqliteErrorCode switch
    {
        raw.SQLITE_NOTADB => "is not a SQLite database; set another path",
        raw.SQLITE_CORRUPT => $"is damaged ({error.Message.TrimEnd('.')}); restore it from a backup, or try sqlite3's .recover",
        raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN or raw.SQLITE_PERM =>
            $"or its folder cannot be written to ({error.Message.TrimEnd('.')}); SQLite keeps two files beside it, -wal and -shm: allow this process " +
                "to write there, or set another path",
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_NOMEM or raw.SQLITE_INTERRUPT or raw.SQLITE_PROTOCOL => null,
        _ => $"cannot be used, and waiting does not help: {error.Message.TrimEnd('.')}",
    };

    public static StorageUnavailableException Unavailable(SqliteException error) =>
        new($"SQLite refused ({error.SqliteErrorCode}): {error.Message}", error) { Kind = Kind(error) };

    private static StorageFailure Kind(SqliteException error) => error.SqliteErrorCode switch
    {
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => StorageFailure.Timeout,
        raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_PERM or raw.SQLITE_AUTH => StorageFailure.Permanent,
        _ => StorageFailure.Transient,
    };
}
