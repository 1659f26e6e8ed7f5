using System.Net.Sockets;
using Notify.Storage.Log;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>What an error means for the caller.</summary>
internal static class PostgresErrors
{
    /// <summary>
    /// The server answered the batch with an error, so its transaction is rolled back: known. FATAL is not that: an
    /// administrator's shutdown can cut the session after the commit record is written.
    /// </summary>
    public static bool IsRolledBack(PostgresException error) => error.InvariantSeverity == "ERROR";

    /// <summary>
    /// A value of some row is what the database does not take: data exception, constraint, or size limit. A double version
    /// or batch id is no row's fault.
    /// </summary>
    public static bool IsRowError(PostgresException error) =>
        error.SqlState[..2] is "22" or "23" or "54" && error.SqlState != PostgresErrorCodes.UniqueViolation && !IsNoPartition(error);

    /// <summary>The log has grown past its last partition. Only this check violation names no constraint.</summary>
    public static bool IsNoPartition(PostgresException error) =>
        error.SqlState == PostgresErrorCodes.CheckViolation && string.IsNullOrEmpty(error.ConstraintName)
        && error.TableName == "notifications";

    public static bool IsUnavailable(Exception error) =>
        error is NpgsqlException or IOException or SocketException or TimeoutException or ObjectDisposedException;

    // An answer that does not come in time is neither: it would be waited for twice.
    private static bool IsEndedConnection(NpgsqlException error) =>
        error is PostgresException
        {
            SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.IdleSessionTimeout
        }
        or { InnerException: IOException };

    /// <summary>The server's own words are safe to show: its primary message names objects, never values.</summary>
    public static StorageUnavailableException Unavailable(Exception error) => new(
        error is PostgresException postgres
            ? $"Postgres refused ({postgres.SqlState}): {postgres.MessageText}"
            : $"Postgres does not answer: {Cause(error)}.",
        error)
    {
        Kind = Kind(error),
    };

    /// <summary>
    /// The cause, without a full stop. "Failed to connect" alone does not help: the innermost cause follows, once; of
    /// several hosts that of each.
    /// </summary>
    public static string Cause(Exception error)
    {
        if (error is PostgresException postgres) return $"{postgres.MessageText} ({postgres.SqlState})";
        if (error is AggregateException several) return string.Join("; ", several.Flatten().InnerExceptions.Select(Cause).Distinct(StringComparer.Ordinal));
        var message = error.Message.TrimEnd('.', ' ');
        if (error.InnerException is not { } inner) return message;
        var cause = Cause(inner);
        if (inner is AggregateException) return cause;
        return message.Contains(cause, StringComparison.OrdinalIgnoreCase) ? message
            : inner.InnerException is null ? $"{message}: {cause}"
            : $"{message}: {Cause(inner.GetBaseException())}";
    }

    /// <summary>By the class of its SQLSTATE: a missing credential, name or right requires operator action.</summary>
    public static StorageFailure Kind(Exception error) => error switch
    {
        PostgresException { SqlState: PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable } => StorageFailure.Timeout,
        PostgresException { SqlState: PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted } => StorageFailure.Permanent,
        PostgresException postgres when postgres.SqlState[..2] is "28" or "3D" or "3F" or "42" => StorageFailure.Permanent,
        TimeoutException or NpgsqlException { InnerException: TimeoutException } => StorageFailure.Timeout,
        _ => StorageFailure.Transient,
    };

    /// <summary>
    /// Runs a read. Once more when it met a connection that had ended while it lay in the pool, as all do when the server restarts: Npgsql
    /// learns of it with the first use, and opens new ones from then on.
    /// </summary>
    public static Task<T> ReadAsync<T>(Func<Task<T>> read) => TranslateOutages(async () =>
    {
        try
        {
            return await read();
        }
        catch (NpgsqlException error) when (IsEndedConnection(error))
        {
            return await read();
        }
    });

    /// <summary>Runs something that stores nothing unless it ends well.</summary>
    public static async Task<T> TranslateOutages<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception error) when (IsUnavailable(error))
        {
            throw Unavailable(error);
        }
    }
}
