using Notify.Storage.Model;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>Where an installation is: the schema of its tables, and the table there that names the migrations it has had.</summary>
/// <remarks>
/// The database may belong to another application, with tables of the same names and migrations of its own. So no SQL names a schema,
/// and every connection's <c>search_path</c> is this one schema: a table that is missing in it is never taken from another.
/// </remarks>
internal sealed record PostgresPlace(string Schema, string History)
{
    /// <summary>What every installation has, and what its migrations begin with.</summary>
    private const string Landmark = "log_head";

    // Names, not regclass: a schema that is missing or may not be used is no error but no candidate. The wanted schema goes
    // first, so that an installation that was moved is found where it went, whatever is in public.
    private const string Candidates = """
        SELECT ns.nspname::text, history.relname::text
        FROM pg_class AS history
        JOIN pg_namespace AS ns ON ns.oid = history.relnamespace
        WHERE (ns.nspname = $1 AND history.relname IN ($2, $3) OR ns.nspname = ANY (current_schemas(false)) AND history.relname = $3)
          AND history.relkind = 'r'
          AND has_schema_privilege(ns.oid, 'USAGE') AND has_table_privilege(history.oid, 'SELECT')
          AND EXISTS (SELECT FROM pg_class AS landmark WHERE landmark.relnamespace = ns.oid AND landmark.relname = $4)
        ORDER BY ns.nspname <> $1, history.relname <> $2, array_position(current_schemas(false), ns.nspname)
        """;

    /// <summary>Made by versions that had no schema of their own; other applications use the same name.</summary>
    public bool IsEarlier => History == MigrationHistory.Common;

    /// <summary>What the nodes of one installation lock together.</summary>
    public PostgresLocks Locks => new(this);

    /// <summary>As it is written in SQL and in <c>search_path</c>.</summary>
    public string QuotedSchema => Quote(Schema);

    public string QuotedHistory => $"{QuotedSchema}.{Quote(History)}";

    /// <summary>Where a new installation goes.</summary>
    public static PostgresPlace New(string schema) => new(schema, MigrationHistory.Own);

    /// <summary>
    /// The installation in this schema; else one that an earlier version made where the connection's own
    /// <c>search_path</c> led it, which stays there until it is moved; else null.
    /// </summary>
    /// <param name="connection">With the settings as they were given.</param>
    public static async Task<PostgresPlace?> FindAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        var places = new List<PostgresPlace>();
        await using (var find = new NpgsqlCommand(Candidates, connection)
        {
            Parameters =
            {
                new() { Value = schema }, new() { Value = MigrationHistory.Own }, new() { Value = MigrationHistory.Common }, new() { Value = Landmark },
            },
        })
        {
            await using var reader = await find.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken)) places.Add(new PostgresPlace(reader.GetString(0), reader.GetString(1)));
        }

        foreach (var place in places)
        {
            if (!place.IsEarlier || await place.HasAsync(connection, PostgresSchema.First, cancellationToken)) return place;
        }

        return null;
    }

    /// <summary>Whether that migration has been applied.</summary>
    public async Task<bool> HasAsync(NpgsqlConnection connection, string migration, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""SELECT EXISTS (SELECT FROM {QuotedHistory} WHERE "MigrationId" = $1)""", connection)
        {
            Parameters = { new() { Value = migration } },
        };
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>Makes this the only schema that the connection sees.</summary>
    public async Task UseAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SET search_path = {QuotedSchema}", connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
