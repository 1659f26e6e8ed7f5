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
            ? await SqliteLog.OpenAsync(options, cancellationToken)
            : await PostgresLog.OpenAsync(options, cancellationToken);

    /// <summary>
    /// Moves an installation that an earlier version made in another schema into <see cref="StorageOptions.Schema"/>, in one
    /// transaction, while no node runs. Everything goes on where it was: epoch, versions, ids.
    /// </summary>
    /// <returns>What was done, for an operator.</returns>
    /// <exception cref="StorageUnavailableException">The database does not answer.</exception>
    /// <exception cref="StorageMisconfiguredException">It cannot be moved, and why; nothing was changed.</exception>
    public static Task<string> MoveSchemaAsync(StorageOptions options, CancellationToken cancellationToken) =>
        string.IsNullOrWhiteSpace(options.Postgres)
            ? throw new StorageMisconfiguredException("ConnectionStrings:Postgres is not set, and a SQLite file has no schemas; there is nothing to move.")
            : PostgresMove.RunAsync(options, cancellationToken);
}

/// <summary>A storage setting that cannot work; the message names it and says what is allowed.</summary>
public sealed class StorageMisconfiguredException(string message, Exception? inner = null) : Exception(message, inner);
