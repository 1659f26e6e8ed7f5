using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>The connection string, as it was given and as each kind of connection needs it.</summary>
internal static class PostgresSettings
{
    private const int ConnectSeconds = 5;

    // libpq's and Npgsql's word for those of the operating system.
    private const string SystemCertificates = "system";

    // For so long Npgsql passes over a host that was away or a standby; after a failover every second counts.
    private const int RecheckSeconds = 2;

    /// <exception cref="StorageMisconfiguredException">It cannot be read.</exception>
    public static NpgsqlConnectionStringBuilder Parse(string connectionString)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(PostgresService.Resolve(connectionString));
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
    public static NpgsqlConnectionStringBuilder Single(NpgsqlConnectionStringBuilder settings)
    {
        var single = new NpgsqlConnectionStringBuilder(settings.ConnectionString)
        {
            Pooling = false,
            Enlist = false,
            IncludeErrorDetail = false, // it quotes values: topics and keys do not belong in a log
        };
        if (HasSeveralHosts(single)) single.TargetSessionAttributes = "primary";
        return single;
    }

    /// <summary>A pool of connections to the primary.</summary>
    public static NpgsqlDataSource Build(NpgsqlDataSourceBuilder builder) => HasSeveralHosts(builder.ConnectionStringBuilder)
        ? builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary)
        : builder.Build();

    /// <summary>Every connection that is made with it sees that place's schema, and no other.</summary>
    public static NpgsqlConnectionStringBuilder In(NpgsqlConnectionStringBuilder settings, PostgresPlace place) =>
        new(settings.ConnectionString) { SearchPath = place.QuotedSchema };

    /// <summary>Which database that is: no user and no password.</summary>
    public static string Describe(NpgsqlConnectionStringBuilder settings) =>
        $"the Postgres database {settings.Database ?? settings.Username} on {settings.Host}";

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

    private static bool HasSeveralHosts(NpgsqlConnectionStringBuilder settings) => settings.Host!.Contains(',', StringComparison.Ordinal);

    private static NpgsqlConnectionStringBuilder Completed(NpgsqlConnectionStringBuilder settings)
    {
        // Found missing only in the handshake, it would read as a certificate that is not trusted.
        string?[] files = [settings.RootCertificate, settings.SslCertificate, settings.SslKey];
        if (files.FirstOrDefault(file => !string.IsNullOrEmpty(file) && file != SystemCertificates && !File.Exists(file)) is { } missing)
            throw PostgresMistakes.Misconfigured($"names the file {missing}, which is not there or may not be read");

        if (!settings.Keys.Cast<string>().Contains("Timeout", StringComparer.OrdinalIgnoreCase)) settings.Timeout = ConnectSeconds;

        // Always the primary, where the log is read and written; with one host there is nothing to choose, and a standby says so.
        settings.Remove("Target Session Attributes");
        if (!settings.Keys.Cast<string>().Contains("Host Recheck Seconds", StringComparer.OrdinalIgnoreCase)) settings.HostRecheckSeconds = RecheckSeconds;
        return settings;
    }

    private static string[] Hosts(NpgsqlConnectionStringBuilder settings) =>
        settings.Host!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    // As Npgsql tells them: a folder, or a name in Linux's abstract namespace.
    private static bool IsUnixSocket(string host) => Path.IsPathRooted(host) || host.StartsWith('@');
}
