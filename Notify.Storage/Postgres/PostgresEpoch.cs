using Notify.Storage.Log;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>
/// One epoch of the log. A standby that took over without the last commits, or a database restored elsewhere, gives versions
/// again that clients have seen with other contents: it must be another epoch before anything is appended or read.
/// </summary>
internal sealed class PostgresEpoch(NpgsqlDataSource connections)
{
    // The timeline from the WAL file's name: pg_control_checkpoint() still tells the old one right after a promotion.
    // The second session waits for the row, reads it again, and finds nothing left to change.
    private const string Check = """
        UPDATE log_head
        SET epoch = gen_random_uuid(), system_identifier = server.system_identifier, timeline = server.timeline
        FROM (SELECT control.system_identifier,
                     ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline
              FROM pg_control_system() AS control) AS server
        WHERE log_head.system_identifier <> server.system_identifier OR log_head.timeline <> server.timeline
        """;

    // The head that this node knew was committed before this statement began, so a smaller one has lost it. Only in the
    // epoch in which the node knew it: another node may have seen the same and begun the next one already.
    private const string CheckHead = """
        UPDATE log_head SET epoch = gen_random_uuid()
        WHERE epoch = $1 AND $2 > coalesce((SELECT last_version FROM appends ORDER BY last_version DESC LIMIT 1), 0)
        """;

    private const string Begin = """
        UPDATE log_head SET epoch = gen_random_uuid() RETURNING epoch
        """;

    /// <summary>Every new connection runs this before its first use.</summary>
    public static async Task CheckAsync(NpgsqlConnection connection, KnownHead known)
    {
        await using (var recovery = new NpgsqlCommand("SELECT pg_is_in_recovery()", connection))
        {
            if (await recovery.ExecuteScalarAsync() is true)
                throw new StorageUnavailableException("This Postgres is a standby: the log is read and written on the primary only.");
        }

        await using var check = new NpgsqlCommand(Check, connection);
        await check.ExecuteNonQueryAsync();

        // A copy of the files, without recovery, has the system identifier and the timeline of the original.
        if (known.Place is not var (epoch, version)) return;
        await using var checkHead = new NpgsqlCommand(CheckHead, connection) { Parameters = { new() { Value = epoch }, new() { Value = version } } };
        await checkHead.ExecuteNonQueryAsync();
    }

    public async Task<Guid> BeginAsync(CancellationToken cancellationToken)
    {
        await using var command = connections.CreateCommand(Begin);
        return (Guid)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
