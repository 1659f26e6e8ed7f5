using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Storage.Sqlite;

namespace Notify.Storage;

/// <summary>Opens the log that the options name.</summary>
public static class LogStore
{
    /// <summary>Brings the schema up to date (unless told not to) and opens the log.</summary>
    /// <exception cref="StorageUnavailableException">The database does not answer.</exception>
    /// <exception cref="StorageMisconfiguredException">The message says which setting is wrong and what is allowed.</exception>
    public static async Task<INotificationLog> OpenAsync(StorageOptions options, CancellationToken cancellationToken) =>
        string.IsNullOrWhiteSpace(options.Postgres)
            ? await SqliteLog.OpenAsync(options.SqlitePath, options.MigrateAtStart, cancellationToken)
            : await PostgresLog.OpenAsync(options.Postgres, options.MigrateAtStart, cancellationToken);
}

/// <summary>A storage setting that cannot work; the message names it and says what is allowed.</summary>
public sealed class StorageMisconfiguredException(string message, Exception? inner = null) : Exception(message, inner);
