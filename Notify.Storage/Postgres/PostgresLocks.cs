using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>Advisory locks that keep nodes from doing the same upkeep at once. Appends never take one.</summary>
internal static class PostgresLocks
{
    // The first half says "ntfy", so that other users of the same database are unlikely to meet us.
    private const long Ours = 0x6E746679L << 32;

    public const long Schema = Ours | 1;
    public const long Partitions = Ours | 2;
    public const long Sweep = Ours | 3;

    /// <summary>Until the end of the transaction.</summary>
    public static async Task TakeAsync(NpgsqlConnection connection, long key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_advisory_xact_lock($1)", connection) { Parameters = { new() { Value = key } } };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Until the end of the transaction, when nobody else has it.</summary>
    public static async Task<bool> TryTakeAsync(NpgsqlConnection connection, long key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_xact_lock($1)", connection) { Parameters = { new() { Value = key } } };
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }
}
