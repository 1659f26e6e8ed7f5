using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>
/// Takes an installation that an earlier version made, often in <c>public</c> and with another application's migrations in the
/// same table, into a schema of its own. In one transaction, without copying a row.
/// </summary>
internal static class PostgresMove
{
    // What a node sends all the time, and what its pool is called unless the settings call it something else.
    private const string Nodes = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND (application_name = 'notify' OR query LIKE '%log\_head%' OR query LIKE 'LISTEN%notify\_%')
        """;

    private const string WithPartitions = """
        WITH RECURSIVE ours AS (
            SELECT oid, relname FROM pg_class
            WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND relkind IN ('r', 'p') AND relname = ANY ($2)
            UNION
            SELECT child.oid, child.relname
            FROM ours JOIN pg_inherits ON inhparent = ours.oid JOIN pg_class AS child ON child.oid = inhrelid
        )
        SELECT coalesce(array_agg(relname::text), '{}') FROM ours
        """;

    private const string Owner = """
        SELECT nullif(pg_get_userbyid(relowner)::text, current_user::text)
        FROM pg_class WHERE relname = 'log_head' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
        """;

    /// <summary>What was done, for an operator.</summary>
    public static Task<string> RunAsync(StorageOptions options, CancellationToken cancellationToken)
    {
        var settings = PostgresSettings.Parse(options.Postgres!);
        return PostgresMistakes.ToldAsync(settings, options.Schema, async () =>
        {
            await using var connection = await PostgresSchema.OpenAsync(settings, cancellationToken);
            var from = await PostgresPlace.FindAsync(connection, options.Schema, cancellationToken)
                ?? throw PostgresMistakes.NothingThere(settings, options.Schema);
            var where = PostgresSettings.Describe(settings);
            if (!from.IsEarlier) return $"The log in {where} is in the schema {from.Schema} already. Nothing was changed.";

            var to = PostgresPlace.New(options.Schema);
            await PostgresSchema.LockAsync(connection, from, cancellationToken);
            await PostgresSchema.LockAsync(connection, to, cancellationToken);
            await CheckStoppedAsync(connection, cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await ExecuteAsync(connection, "SET LOCAL lock_timeout = '10s'", cancellationToken);
            var tables = await MoveAsync(connection, from, to, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return $"Moved the log in {where} from the schema {from.Schema} to {to.Schema} ({tables} tables). It goes on where it was: start the nodes.";
        });
    }

    // A backend is there for a moment after its client has gone.
    private static async Task CheckStoppedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        for (var look = 0; look < 25; look++)
        {
            if (await ScalarAsync(connection, Nodes, cancellationToken) is 0L) return;
            await ExecuteAsync(connection, "SELECT pg_sleep(0.2)", cancellationToken);
        }

        if (await ScalarAsync(connection, Nodes, cancellationToken) is long and > 0 and var count)
            throw new StorageMisconfiguredException($"Nodes are running: the database has {count} connections of theirs. Nothing was changed. Stop " +
                "every node, then move the schema, then start them.");
    }

    private static async Task<int> MoveAsync(NpgsqlConnection connection, PostgresPlace from, PostgresPlace to, CancellationToken cancellationToken)
    {
        await using var context = PostgresSchema.Context(connection, to);
        var migrations = context.GetService<IMigrationsAssembly>();
        var applied = await AppliedAsync(connection, from, migrations, cancellationToken);
        var tables = from.Schema == to.Schema ? []
            : await TablesAsync(connection, from, MadeBy(migrations, context.Database.ProviderName!, applied), cancellationToken);
        if (from.Schema != to.Schema)
        {
            var owner = await ScalarAsync(connection, Owner, cancellationToken, from.Schema) as string;
            await PostgresSchema.PrepareAsync(connection, to.Schema, [.. tables, to.History], owner, cancellationToken);
        }

        foreach (var table in tables)
            await ExecuteAsync(connection, $"ALTER TABLE {from.QuotedSchema}.{PostgresPlace.Quote(table)} SET SCHEMA {to.QuotedSchema}", cancellationToken);
        await MoveHistoryAsync(connection, from, to, applied, cancellationToken);
        return tables.Length;
    }

    /// <summary>Those of this product; the table may hold another application's.</summary>
    private static async Task<string[]> AppliedAsync(
        NpgsqlConnection connection, PostgresPlace place, IMigrationsAssembly migrations, CancellationToken cancellationToken) =>
        (string[])(await ScalarAsync(
            connection,
            $"""SELECT array_agg("MigrationId"::text ORDER BY "MigrationId") FROM {place.QuotedHistory} WHERE "MigrationId" = ANY ($1)""",
            cancellationToken,
            (object)migrations.Migrations.Keys.ToArray()))!;

    // Of the schema as it is there, not of the newest one: a table that a later migration makes may belong to another application there.
    private static string[] MadeBy(IMigrationsAssembly migrations, string provider, string[] applied)
    {
        var model = migrations.CreateMigration(migrations.Migrations[applied[^1]], provider).TargetModel;
        return [.. model.GetEntityTypes().Select(entity => entity.GetTableName()).OfType<string>().Distinct()];
    }

    private static async Task<string[]> TablesAsync(NpgsqlConnection connection, PostgresPlace place, string[] names, CancellationToken cancellationToken) =>
        (string[])(await ScalarAsync(connection, WithPartitions, cancellationToken, place.Schema, names))!;

    private static async Task MoveHistoryAsync(
        NpgsqlConnection connection, PostgresPlace from, PostgresPlace to, string[] applied, CancellationToken cancellationToken)
    {
        await ExecuteAsync(
            connection,
            $"""CREATE TABLE {to.QuotedHistory} (LIKE {from.QuotedHistory}, CONSTRAINT {PostgresPlace.Quote("PK_" + to.History)} PRIMARY KEY ("MigrationId"))""",
            cancellationToken);
        await ExecuteAsync(
            connection,
            $"""
            WITH moved AS (DELETE FROM {from.QuotedHistory} WHERE "MigrationId" = ANY ($1) RETURNING *)
            INSERT INTO {to.QuotedHistory} SELECT * FROM moved
            """,
            cancellationToken,
            (object)applied);
        if (await ScalarAsync(connection, $"SELECT EXISTS (SELECT FROM {from.QuotedHistory})", cancellationToken) is false)
            await ExecuteAsync(connection, $"DROP TABLE {from.QuotedHistory}", cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = Command(connection, sql, values);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = Command(connection, sql, values);
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, object[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        return command;
    }
}
