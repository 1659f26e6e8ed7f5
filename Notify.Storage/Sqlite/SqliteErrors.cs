using Microsoft.Data.Sqlite;
using Notify.Storage.Log;
using SQLitePCL;

namespace Notify.Storage.Sqlite;

/// <summary>What a SQLite error means for the caller.</summary>
internal static class SqliteErrors
{
    /// <summary>A value of the row at hand is what the database does not take.</summary>
    public static bool IsOfARow(SqliteException error) =>
        error.SqliteErrorCode is raw.SQLITE_TOOBIG or raw.SQLITE_CONSTRAINT or raw.SQLITE_MISMATCH;

    public static bool IsDiskError(SqliteException error) => error.SqliteErrorCode == raw.SQLITE_IOERR;

    public static bool IsNotADatabase(SqliteException error) => error.SqliteErrorCode == raw.SQLITE_NOTADB;

    public static StorageUnavailableException Unavailable(SqliteException error) =>
        new($"SQLite refused ({error.SqliteErrorCode}): {error.Message}", error) { Kind = Kind(error) };

    private static StorageFailure Kind(SqliteException error) => error.SqliteErrorCode switch
    {
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => StorageFailure.Timeout,
        raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_PERM or raw.SQLITE_AUTH => StorageFailure.Permanent,
        _ => StorageFailure.Transient,
    };
}
