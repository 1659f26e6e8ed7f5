using System.Text;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>
/// Advisory locks that keep the nodes of one installation from doing the same upkeep at once. They are the database's, so
/// the schema is a part of their keys: another installation in the same database has locks of its own. Appends never take one.
/// </summary>
internal sealed class PostgresLocks(PostgresPlace place)
{
    // The first half says "ntfy", so that other users of the same database are unlikely to meet us.
    private const long Ours = 0x6E746679L << 32;

    // Nodes of earlier versions know these keys alone, and work beside newer ones while an installation is upgraded.
    private readonly long _installation = Ours | (place.IsEarlier ? 0 : (long)(Hash(place.Schema) << 2));

    public long Schema => _installation | 1;
    public long Partitions => _installation | 2;
    public long Sweep => _installation | 3;

    /// <summary>Until the end of the transaction.</summary>
    public static async Task TakeAsync(NpgsqlConnection connection, long key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_advisory_xact_lock($1)", connection) { Parameters = { new() { Value = key } } };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Until the end of the transaction, when no other session has it.</summary>
    public static async Task<bool> TryTakeAsync(NpgsqlConnection connection, long key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_xact_lock($1)", connection) { Parameters = { new() { Value = key } } };
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    // FNV-1a: the same in every process and on every machine, which string.GetHashCode is not.
    private static uint Hash(string text) => Encoding.UTF8.GetBytes(text).Aggregate(2166136261u, (hash, octet) => (hash ^ octet) * 16777619u);
}
