using System.Data.Common;

namespace Notify.Storage.Postgres;

/// <summary>
/// <c>Service=name</c>: a section of libpq's connection service file, which Npgsql does not read. What the connection string
/// says itself wins.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/libpq-pgservice.html</remarks>
internal static class PostgresService
{
    private const string Keyword = "Service";
    private const string FileName = "pg_service.conf";

    // libpq's names and Npgsql's. A parameter that is not here stops the start: ignoring sslmode, say, would be a surprise.
    private static readonly Dictionary<string, string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["host"] = "Host",
        ["hostaddr"] = "Host",
        ["port"] = "Port",
        ["dbname"] = "Database",
        ["user"] = "Username",
        ["password"] = "Password",
        ["passfile"] = "Passfile",
        ["connect_timeout"] = "Timeout",
        ["application_name"] = "Application Name",
        ["options"] = "Options",
        ["client_encoding"] = "Client Encoding",
        ["sslmode"] = "SSL Mode",
        ["sslrootcert"] = "Root Certificate",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["sslpassword"] = "SSL Password",
        ["sslnegotiation"] = "SSL Negotiation",
        ["channel_binding"] = "Channel Binding",
        ["require_auth"] = "Require Auth",
        ["target_session_attrs"] = "Target Session Attributes",
    };

    private static IEnumerable<string> Files
    {
        get
        {
            var own = Environment.GetEnvironmentVariable("PGSERVICEFILE");
            yield return string.IsNullOrEmpty(own) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), "." + FileName) : own;
            if (Environment.GetEnvironmentVariable("PGSYSCONFDIR") is { Length: > 0 } folder) yield return Path.Combine(folder, FileName);
            yield return Path.Combine("/etc/postgresql-common", FileName);
        }
    }

    /// <summary>The connection string without its service, whose parameters it has instead.</summary>
    /// <exception cref="StorageMisconfiguredException">There is no such service, or it has a parameter that Npgsql has no word for.</exception>
    /// <exception cref="ArgumentException">It is no connection string.</exception>
    public static string Resolve(string connectionString)
    {
        var given = new DbConnectionStringBuilder { ConnectionString = connectionString };
        if (!given.TryGetValue(Keyword, out var value) || value is not string { Length: > 0 } service) return connectionString;
        given.Remove(Keyword);
        var parameters = Files.Where(File.Exists).Select(file => Read(file, service)).FirstOrDefault(found => found is not null)
            ?? throw PostgresMistakes.Misconfigured($"names the service '{service}', which is in none of the files {string.Join(", ", Files)}; " +
                "PGSERVICEFILE names another file");
        foreach (var (name, text) in parameters)
        {
            if (!Names.TryGetValue(name, out var keyword))
                throw PostgresMistakes.Misconfigured($"names the service '{service}', whose parameter '{name}' is not known; those that are: " +
                    $"{string.Join(", ", Names.Keys)}");
            if (!given.ContainsKey(keyword)) given.Add(keyword, keyword == "SSL Mode" ? text.Replace("-", "", StringComparison.Ordinal) : text);
        }

        PairPorts(given);
        return given.ConnectionString;
    }

    // The last of equal names wins, as in libpq; comments and blank lines are skipped.
    private static Dictionary<string, string>? Read(string file, string service)
    {
        Dictionary<string, string>? section = null;
        foreach (var line in File.ReadLines(file).Select(line => line.Trim()))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            if (line[0] == '[')
            {
                if (section is not null) return section;
                if (line == $"[{service}]") section = new(StringComparer.OrdinalIgnoreCase);
            }
            else if (section is not null && line.Split('=', 2) is [var name, var text])
            {
                section[name.Trim()] = text.Trim();
            }
        }

        return section;
    }

    // libpq has a list of ports beside the list of hosts, Npgsql a port with each host.
    private static void PairPorts(DbConnectionStringBuilder settings)
    {
        if (!settings.TryGetValue("Port", out var port) || port.ToString()!.Split(',') is not { Length: > 1 } ports) return;
        if (!settings.TryGetValue("Host", out var host) || host.ToString()!.Split(',') is not { } hosts || hosts.Length != ports.Length) return;
        settings["Host"] = string.Join(',', hosts.Zip(ports, (one, its) => its.Trim().Length == 0 ? one : $"{one}:{its.Trim()}"));
        settings.Remove("Port");
    }
}
