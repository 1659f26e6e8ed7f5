using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Storage.Sqlite;
using Npgsql;

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

    /// <summary>Which storage that is, for the operator's log: no user and no password.</summary>
    /// <param name="options">Such as <see cref="OpenAsync"/> takes.</param>
    public static string Describe(StorageOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Postgres)) return $"the SQLite file {Path.GetFullPath(options.SqlitePath)}";
        var connection = new NpgsqlConnectionStringBuilder(options.Postgres);
        return $"the Postgres database {connection.Database ?? connection.Username} on {connection.Host}";
    }
}

/// <summary>A storage setting that cannot work; the message names it and says what is allowed.</summary>
public sealed class StorageMisconfiguredException(string message, Exception? inner = null) : Exception(message, inner);
