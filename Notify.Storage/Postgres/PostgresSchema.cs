using Microsoft.EntityFrameworkCore;
using Notify.Storage.Log;
using Notify.Storage.Model;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>Brings the schema up to date, and tells bad settings from a server that is away.</summary>
internal static class PostgresSchema
{
    /// <summary>The last migration. A start asks for it by one plain query: EF's model alone costs half a second.</summary>
    public const string Current = "20261123153443_Log";

    /// <summary>The oldest version that the tests run on; the guide names it too.</summary>
    internal const int OldestServer = 15;

    private const string Setting = "ConnectionStrings:Postgres";

    public static NpgsqlConnectionStringBuilder Parse(string connectionString)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString);
            if (!string.IsNullOrEmpty(settings.Host) && !string.IsNullOrEmpty(settings.Database ?? settings.Username))
                return settings;
        }
        catch (Exception error) when (error is ArgumentException or FormatException or InvalidOperationException or OverflowException)
        {
            // Its message is not passed on: it may quote a part of the password.
        }

        throw Misconfigured("cannot be read; it looks like Host=db;Database=notify;Username=notify;Password=…");
    }

    public static async Task EnsureAsync(NpgsqlConnectionStringBuilder settings, bool migrate, CancellationToken cancellationToken)
    {
        var own = new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = false, Enlist = false };
        if (!settings.Keys.Cast<string>().Contains("Timeout", StringComparer.OrdinalIgnoreCase))
            own.Timeout = 5;
        await using var connection = new NpgsqlConnection(own.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            if (connection.PostgreSqlVersion.Major < OldestServer)
                throw Misconfigured($"names a Postgres {connection.PostgreSqlVersion}; version {OldestServer} or newer is needed");
            if (await IsCurrentAsync(connection, cancellationToken))
                return;
            if (!migrate)
            {
                throw new StorageMisconfiguredException(
                    "The schema of the Postgres database is not up to date and Notify:Storage:MigrateAtStart is false; start once with it set to true.");
            }

            await MigrateAsync(connection, cancellationToken);
        }
        catch (PostgresException error) when (WhatIsWrong(error, own) is { } wrong)
        {
            throw Misconfigured(wrong, error);
        }
        catch (NpgsqlException error) when (error is not PostgresException && error.InnerException is null
                                            && error.Message.Contains("password", StringComparison.OrdinalIgnoreCase))
        {
            throw Misconfigured("has no Password, and the server asks for one", error);
        }
        catch (Exception error) when (PostgresErrors.IsUnavailable(error))
        {
            throw PostgresErrors.Unavailable(error);
        }
    }

    private static async Task<bool> IsCurrentAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("""SELECT max("MigrationId") FROM "__EFMigrationsHistory" """, connection);
        try
        {
            // A newer schema is fine: nodes are replaced one after the other.
            return await command.ExecuteScalarAsync(cancellationToken) is string last && string.CompareOrdinal(last, Current) >= 0;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return false;
        }
    }

    /// <summary>Several nodes may start at once: who comes second waits, and finds nothing left to do.</summary>
    private static async Task MigrateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using (var wait = new NpgsqlCommand("SELECT pg_advisory_lock($1)", connection) { CommandTimeout = 0 })
        {
            wait.Parameters.Add(new() { Value = PostgresLocks.Schema });
            await wait.ExecuteNonQueryAsync(cancellationToken);
        }

        if (await IsCurrentAsync(connection, cancellationToken))
            return;

        // On this very connection: the lock is the session's, and goes with it.
        await using var context = new PostgresContext(
            new DbContextOptionsBuilder<PostgresContext>().UseNpgsql(connection).Options);
        await context.Database.MigrateAsync(cancellationToken);
    }

    private static string? WhatIsWrong(PostgresException error, NpgsqlConnectionStringBuilder settings) => error.SqlState switch
    {
        PostgresErrorCodes.InvalidCatalogName =>
            $"names the database '{settings.Database ?? settings.Username}', which does not exist on {settings.Host}; create it first",
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
            $"is refused by {settings.Host} for the user '{settings.Username}'; check Username and Password, and pg_hba.conf on the server",
        PostgresErrorCodes.InsufficientPrivilege =>
            $"names the user '{settings.Username}', which may not create or use the tables; grant it CREATE on the database's schema",
        _ => null,
    };

    private static StorageMisconfiguredException Misconfigured(string wrong, Exception? inner = null) =>
        new($"{Setting} {wrong}.", inner);
}
