using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>
/// Ends a node's transaction that keeps the log's lock and says nothing: the node was stopped in the middle of sending a
/// batch. Its kernel answers keepalives, and no timeout of Postgres before version 17 fires while a batch is incomplete.
/// </summary>
internal static class PostgresStalledHolder
{
    /// <summary>
    /// The backend that holds the lock of appends, and has waited for its client since before then. Such a batch takes
    /// milliseconds; a transaction that an operator opened by hand and that holds the lock ends too.
    /// </summary>
    private const string End = """
        SELECT count(pg_terminate_backend(holder.pid))
        FROM pg_locks AS held JOIN pg_stat_activity AS holder ON holder.pid = held.pid
        WHERE held.locktype = 'relation' AND held.relation = 'log_head'::regclass AND held.mode = 'RowShareLock' AND held.granted
          AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND holder.pid <> pg_backend_pid() AND holder.usename = current_user
          AND holder.wait_event = 'ClientRead' AND greatest(holder.query_start, holder.state_change) < clock_timestamp() - interval '5 s'
        """;

    /// <summary>Called after waiting for the lock in vain; says how many were ended.</summary>
    public static async Task<long> EndAsync(NpgsqlDataSource connections, CancellationToken cancellationToken)
    {
        await using var command = connections.CreateCommand(End);
        return await command.ExecuteScalarAsync(cancellationToken) is long ended ? ended : 0;
    }
}
