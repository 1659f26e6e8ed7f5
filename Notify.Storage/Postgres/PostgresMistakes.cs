using System.Security.Authentication;
using Notify.Storage.Log;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>What an operator has to put right, told from a server that is away: waiting for it would be waiting for ever.</summary>
internal static class PostgresMistakes
{
    private const string Setting = "ConnectionStrings:Postgres";
    private const string SchemaSetting = "Notify:Storage:Schema";

    /// <summary>Runs a part of the start.</summary>
    /// <exception cref="StorageMisconfiguredException">Trying again changes nothing.</exception>
    /// <exception cref="StorageUnavailableException">It may work later.</exception>
    public static async Task<T> ToldAsync<T>(NpgsqlConnectionStringBuilder settings, string schema, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception error) when (Find(error, settings, schema) is { } wrong)
        {
            throw Misconfigured(wrong, error);
        }
        catch (Exception error) when (PostgresErrors.IsUnavailable(error))
        {
            throw PostgresErrors.Unavailable(error);
        }
    }

    public static StorageMisconfiguredException Misconfigured(string wrong, Exception? inner = null) => new($"{Setting} {wrong}.", inner);

    public static StorageMisconfiguredException NothingThere(NpgsqlConnectionStringBuilder settings, string schema) => Misconfigured(
        $"names {PostgresSettings.Describe(settings)}, which holds no log of Notify, neither in the schema '{schema}' ({SchemaSetting}) nor on the " +
            "user's search_path; nothing was changed. Use the settings of the service");

    public static StorageMisconfiguredException NotUpToDate(NpgsqlConnectionStringBuilder settings, string schema, PostgresPlace? found) => new(
        $"The tables in the schema '{found?.Schema ?? schema}' of {PostgresSettings.Describe(settings)} are " +
            $"{(found is null ? "not there" : "not up to date")} and Notify:Storage:MigrateAtStart is false; start once with it set to true.");

    public static StorageMisconfiguredException Taken(string schema, string table) => new(
        $"The schema '{schema}' holds a table '{table}' that is not of Notify; set {SchemaSetting} to a schema of its own, which is made when it is missing.");

    private static string? Find(Exception error, NpgsqlConnectionStringBuilder settings, string schema) => error switch
    {
        StorageMisconfiguredException => null,
        PostgresException answer => Find(answer, settings, schema),
        StorageUnavailableException { Kind: StorageFailure.Permanent, InnerException: { } inner } =>
            Find(inner, settings, schema) ?? $"cannot be used: {error.Message}",
        NpgsqlException { InnerException: AggregateException several } => OfAll(several, settings, schema),
        NpgsqlException { InnerException: AuthenticationException refused } => $"asks for TLS, and the server's certificate or the handshake was not " +
            $"accepted: {PostgresErrors.Cause(refused)}. Set Root Certificate, or SSL Mode",
        NpgsqlException { InnerException: null } when error.Message.Contains("password", StringComparison.OrdinalIgnoreCase) => "has no Password, and " +
            "the server asks for one",
        NpgsqlException { InnerException: null } when error.Message.StartsWith("SSL connection requested", StringComparison.Ordinal) => "asks for TLS " +
            "with SSL Mode, and the server has none; turn it on there, or set another SSL Mode",
        ArgumentException or FormatException or NotSupportedException or InvalidOperationException and not ObjectDisposedException => "cannot be used " +
            "as it is; look at its unusual parts one by one",
        FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException => $"names a file that cannot be read: {error.Message.TrimEnd('.')}",
        _ => null,
    };

    // Of several hosts one may be away and another one wrong: it is the setting's fault only if none can be waited for.
    private static string? OfAll(AggregateException several, NpgsqlConnectionStringBuilder settings, string schema)
    {
        var found = several.Flatten().InnerExceptions.Select(inner => Find(inner, settings, schema)).ToArray();
        return found.Length > 0 && found.All(wrong => wrong is not null) ? found[0] : null;
    }

    private static string? Find(PostgresException error, NpgsqlConnectionStringBuilder settings, string schema) => error.SqlState switch
    {
        PostgresErrorCodes.InvalidCatalogName =>
            $"names the database '{settings.Database ?? settings.Username}', which does not exist on {settings.Host}; create it first",
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
            $"is refused by {settings.Host} for the user '{settings.Username}' ({error.MessageText}); check Username and Password, and pg_hba.conf on " +
                "the server",
        PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.InvalidSchemaName => // the latter: a schema that it may not use counts as none
            $"names the user '{settings.Username}', which lacks a right ({error.MessageText}); let it own the schema '{schema}' ({SchemaSetting}): " +
                $"CREATE SCHEMA {PostgresPlace.Quote(schema)} AUTHORIZATION {PostgresPlace.Quote(settings.Username ?? "…")}",
        PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateObject =>
            $"names {PostgresSettings.Describe(settings)}, where a table cannot be made because there is another one of its name " +
                $"({error.MessageText}); give Notify a schema of its own with {SchemaSetting}, or with the command move-schema when it is installed already",
        PostgresErrorCodes.ReservedName => $"cannot have the schema '{schema}' ({SchemaSetting}): {error.MessageText}",
        PostgresErrorCodes.ProtocolViolation when error.MessageText.Contains("startup parameter", StringComparison.OrdinalIgnoreCase) =>
            $"leads to a pooler that refuses what a node sets for its connections ({error.MessageText}); connect to Postgres itself",
        _ when PostgresErrors.Kind(error) == StorageFailure.Permanent || error.SqlState[..2] is "0A" or "0P" or "22" or "23" or "P0" =>
            $"names {PostgresSettings.Describe(settings)}, where the schema '{schema}' cannot be opened, and waiting does not help: " +
                $"{error.MessageText} ({error.SqlState})",
        _ => null,
    };
}
