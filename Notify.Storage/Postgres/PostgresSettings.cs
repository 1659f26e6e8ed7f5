using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>The connection string, as it was given and as each kind of connection needs it.</summary>
internal static class PostgresSettings
{
    private const int ConnectSeconds = 5;

    /// <exception cref="StorageMisconfiguredException">It cannot be read.</exception>
    public static NpgsqlConnectionStringBuilder Parse(string connectionString)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString);
            if (!string.IsNullOrEmpty(settings.Host) && !string.IsNullOrEmpty(settings.Database ?? settings.Username))
                return Completed(settings);
        }
        catch (Exception error) when (error is ArgumentException or FormatException or InvalidOperationException or OverflowException)
        {
            // Its message is not passed on: it may quote a part of the password.
        }

        throw PostgresMistakes.Misconfigured("cannot be read; it looks like Host=db;Database=notify;Username=notify;Password=…");
    }

    /// <summary>For a connection of its own, outside of any pool.</summary>
    public static NpgsqlConnectionStringBuilder Single(NpgsqlConnectionStringBuilder settings) => new(settings.ConnectionString)
    {
        Pooling = false,
        Enlist = false,
        IncludeErrorDetail = false, // it quotes values: topics and keys do not belong into anybody's log
    };

    /// <summary>Every connection that is made with it sees that place's schema, and no other.</summary>
    public static NpgsqlConnectionStringBuilder In(NpgsqlConnectionStringBuilder settings, PostgresPlace place) =>
        new(settings.ConnectionString) { SearchPath = place.QuotedSchema };

    /// <summary>Which database that is: no user and no password.</summary>
    public static string Describe(NpgsqlConnectionStringBuilder settings) => $"the Postgres database {settings.Database ?? settings.Username} on {settings.Host}";

    /// <summary>Keep-alive of TCP, where the server is reached by nothing else: a Unix socket refuses the option, and needs none.</summary>
    public static void KeepAlive(NpgsqlConnectionStringBuilder settings)
    {
        if (Hosts(settings).Any(IsUnixSocket))
        {
            (settings.TcpKeepAlive, settings.TcpKeepAliveTime, settings.TcpKeepAliveInterval) = (false, 0, 0);
            return;
        }

        (settings.TcpKeepAlive, settings.TcpKeepAliveTime, settings.TcpKeepAliveInterval) = (true, 5, 2);
    }

    public static bool HasSeveralHosts(NpgsqlConnectionStringBuilder settings) => settings.Host!.Contains(',', StringComparison.Ordinal);

    private static NpgsqlConnectionStringBuilder Completed(NpgsqlConnectionStringBuilder settings)
    {
        if (!settings.Keys.Cast<string>().Contains("Timeout", StringComparer.OrdinalIgnoreCase)) settings.Timeout = ConnectSeconds;

        // The log is read and written on the primary. With one host there is nothing to choose, and a standby says what it is.
        if (HasSeveralHosts(settings)) settings.TargetSessionAttributes = "primary";
        else settings.Remove("Target Session Attributes");
        return settings;
    }

    private static string[] Hosts(NpgsqlConnectionStringBuilder settings) =>
        settings.Host!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    // As Npgsql tells them: a folder, or a name in Linux's abstract namespace.
    private static bool IsUnixSocket(string host) => Path.IsPathRooted(host) || host.StartsWith('@');
}
