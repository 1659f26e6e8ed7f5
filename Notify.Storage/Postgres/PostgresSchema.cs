using Microsoft.EntityFrameworkCore;
using Notify.Storage.Model;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>Finds the installation, or makes one, and brings its schema up to date.</summary>
internal static class PostgresSchema
{
    /// <summary>The first migration: which table of migrations is ours.</summary>
    public const string First = "20261123153443_Log";

    /// <summary>The last migration. A start asks for it by one plain query: EF's model alone costs half a second.</summary>
    public const string Current = "20261126004900_RulesByRevision";

    /// <summary>The oldest version that the tests run on; the guide names it too.</summary>
    internal const int OldestServer = 15;

    /// <summary>Where the installation is, which is up to date then.</summary>
    public static Task<PostgresPlace> EnsureAsync(NpgsqlConnectionStringBuilder settings, StorageOptions options, CancellationToken cancellationToken) =>
        PostgresMistakes.ToldAsync(settings, options.Schema, async () =>
        {
            await using var connection = await OpenAsync(settings, cancellationToken);
            var found = await PostgresPlace.FindAsync(connection, options.Schema, cancellationToken);
            if (found is not null && await found.HasAsync(connection, Current, cancellationToken)) return found;
            if (found is null && !options.MayCreate) throw PostgresMistakes.NothingThere(settings, options.Schema);
            if (!options.MigrateAtStart) throw PostgresMistakes.NotUpToDate(settings, options.Schema, found);
            return await MigrateAsync(connection, options, found, cancellationToken);
        });

    /// <summary>A connection with the settings as they were given, to a server that is new enough.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(NpgsqlConnectionStringBuilder settings, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(PostgresSettings.Single(settings).ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            if (connection.PostgreSqlVersion.Major < OldestServer)
                throw PostgresMistakes.Misconfigured($"names a Postgres {connection.PostgreSqlVersion}; version {OldestServer} or newer is needed");
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Held by a session: the second one waits until the first one's connection ends.</summary>
    public static async Task LockAsync(NpgsqlConnection connection, PostgresPlace place, CancellationToken cancellationToken)
    {
        await using var wait = new NpgsqlCommand("SELECT pg_advisory_lock($1)", connection) { CommandTimeout = 0 };
        wait.Parameters.Add(new() { Value = place.Locks.Schema });
        await wait.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>A schema that is ours to use: made when it is missing, and without tables of others that have our names.</summary>
    public static async Task PrepareAsync(
        NpgsqlConnection connection, string schema, IEnumerable<string> tables, string? owner, CancellationToken cancellationToken)
    {
        await using (var exists = new NpgsqlCommand("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", connection)
        {
            Parameters = { new() { Value = schema } },
        })
        {
            // Not CREATE … IF NOT EXISTS alone: it asks for the right to make schemas also where there is nothing to make.
            if (await exists.ExecuteScalarAsync(cancellationToken) is not true)
            {
                var authorization = owner is null ? "" : $" AUTHORIZATION {PostgresPlace.Quote(owner)}";
                await using var create = new NpgsqlCommand($"CREATE SCHEMA IF NOT EXISTS {PostgresPlace.Quote(schema)}{authorization}", connection);
                await create.ExecuteNonQueryAsync(cancellationToken);
            }
        }

        await using var taken = new NpgsqlCommand(
            """
            SELECT min(relname::text) FROM pg_class
            WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND relname = ANY ($2)
            """,
            connection)
        {
            Parameters = { new() { Value = schema }, new() { Value = tables.ToArray() } },
        };
        if (await taken.ExecuteScalarAsync(cancellationToken) is string table) throw PostgresMistakes.Taken(schema, table);
    }

    /// <summary>For this very connection, and in this schema alone.</summary>
    public static PostgresContext Context(NpgsqlConnection connection, PostgresPlace place) => new(
        new DbContextOptionsBuilder<PostgresContext>().UseNpgsql(connection, npgsql => npgsql.MigrationsHistoryTable(place.History, place.Schema)).Options);

    private static async Task<PostgresPlace> MigrateAsync(
        NpgsqlConnection connection, StorageOptions options, PostgresPlace? found, CancellationToken cancellationToken)
    {
        await LockAsync(connection, found ?? PostgresPlace.New(options.Schema), cancellationToken);

        // Several nodes may start at once: the one that waited looks again, and finds nothing left to do.
        found = await PostgresPlace.FindAsync(connection, options.Schema, cancellationToken);
        if (found is not null && await found.HasAsync(connection, Current, cancellationToken)) return found;

        var place = found ?? PostgresPlace.New(options.Schema);
        if (found is null) await PrepareAsync(connection, place.Schema, MigrationScript.Postgres.Tables, null, cancellationToken);
        await place.UseAsync(connection, cancellationToken);
        if (found is null) await MakeAsync(connection, cancellationToken);
        else await UpdateAsync(connection, place, cancellationToken);
        return place;
    }

    private static async Task MakeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var script = new NpgsqlCommand(MigrationScript.Postgres.Text, connection, transaction))
            await script.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    // Apart, so that a start which has nothing to update does not load EF at all.
    private static async Task UpdateAsync(NpgsqlConnection connection, PostgresPlace place, CancellationToken cancellationToken)
    {
        await using var context = Context(connection, place);
        await context.Database.MigrateAsync(cancellationToken);
    }
}
