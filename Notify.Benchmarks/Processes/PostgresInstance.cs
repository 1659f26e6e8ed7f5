using System.Globalization;
using Npgsql;

namespace Notify.Benchmarks.Processes;

/// <summary>A private Postgres from the installed binaries: fsync on, on the server's core, removed at the end.</summary>
internal sealed class PostgresInstance : IAsyncDisposable
{
    private const string User = "bench";

    /// <summary>Of 16 MB each, made before anything is measured: 2 GB, what <c>min_wal_size</c> keeps here.</summary>
    private const int Segments = 128;

    private readonly TemporaryFolder _folder;
    private readonly ChildProcess _process;
    private int _databases;

    private PostgresInstance(TemporaryFolder folder, int port, ChildProcess process) => (_folder, Port, _process) = (folder, port, process);

    public int Port { get; }
    public int ProcessId => _process.Id;

    public static string Binaries { get => field ??= FindBinaries(); }

    public static async Task<PostgresInstance> StartAsync()
    {
        var temporary = new TemporaryFolder("notify-bench-pg-");
        var folder = temporary.Path;
        var data = Path.Combine(folder, "data");
        if (IsRoot) await ChildProcess.RunAsync(["chown", "postgres", folder]);
        await ChildProcess.RunAsync([.. AsOwner, Path.Combine(Binaries, "initdb"), "-D", data, "-U", User, "-A", "trust", "--no-locale", "-E", "UTF8",
            "--no-sync"]);
        var port = FreePort.Take();
        var process = ChildProcess.Start("postgres",
        [
            .. AsOwner, .. Cores.Pin(Cores.Server), Path.Combine(Binaries, "postgres"), "-D", data, "-p", port.ToString(CultureInfo.InvariantCulture),
            "-c", "listen_addresses=127.0.0.1", "-c", $"unix_socket_directories={folder}", "-c", "fsync=on", "-c", "shared_buffers=256MB",
            "-c", "min_wal_size=2GB", "-c", "max_wal_size=4GB", "-c", "max_connections=200", "-c", "logging_collector=off", "-c", "log_min_messages=fatal",
        ]);
        process.DrainOutput();
        var instance = new PostgresInstance(temporary, port, process);
        await instance.WaitAsync();
        await instance.MakeSegmentsAsync();
        return instance;
    }

    /// <summary>A new, empty database, after what the last one left to be written is written.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"bench_{++_databases}";
        await ExecuteAsync(ConnectionString("postgres"), $"CREATE DATABASE {name}");
        await ExecuteAsync(ConnectionString("postgres"), $"ALTER DATABASE {name} SET search_path = notify, public"); // for the tool's own statements
        await ExecuteAsync(ConnectionString("postgres"), "CHECKPOINT");
        return name;
    }

    public async Task DropDatabaseAsync(string name) =>
        await ExecuteAsync(ConnectionString("postgres"), $"DROP DATABASE IF EXISTS {name} WITH (FORCE)");

    public string ConnectionString(string database) => $"Host=127.0.0.1;Port={Port};Username={User};Database={database}";

    public static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
#pragma warning disable CA2100 // the tool's own words
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 600 };
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A file that the server itself can read.</summary>
    public async Task<string> FileAsync(string name, string text)
    {
        var file = Path.Combine(_folder.Path, name);
        await File.WriteAllTextAsync(file, text);
        return file;
    }

    /// <summary>pgbench against a database, on the load's core, its sessions under these options; returns what it printed.</summary>
    public Task<string> PgBenchAsync(string database, string script, int clients, int seconds, string options = "") => ChildProcess.RunAsync(
    [
        .. Cores.Pin(Cores.Load), Path.Combine(Binaries, "pgbench"), "-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", User,
        "-n", "-M", "prepared", "-c", clients.ToString(CultureInfo.InvariantCulture), "-j", "1", "-T", seconds.ToString(CultureInfo.InvariantCulture), "-f",
            script, database,
    ], new Dictionary<string, string>(StringComparer.Ordinal) { ["PGOPTIONS"] = options });

    public async ValueTask DisposeAsync()
    {
        await ChildProcess.RunAsync(["kill", "-INT", ProcessId.ToString(CultureInfo.InvariantCulture)]);
        await _process.StopAsync(TimeSpan.FromSeconds(20), politely: true);
        await _process.DisposeAsync();
        _folder.Dispose();
    }

    private static bool IsRoot => Environment.UserName == "root";

    /// <summary>Postgres refuses to run as root.</summary>
    private static string[] AsOwner => IsRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];

    private async Task WaitAsync()
    {
        for (var i = 0; ; i++)
        {
            try
            {
                await ExecuteAsync(ConnectionString("postgres"), "SELECT 1");
                return;
            }
            catch (NpgsqlException) when (i < 200 && !_process.HasExited)
            {
                await Task.Delay(50);
            }
            catch (NpgsqlException) when (_process.HasExited)
            {
                throw _process.Ended();
            }
        }
    }

    /// <summary>
    /// As in an installation that has run for a while: its log goes into files that it has already. In a new one a backend fills a file of 16 MB with
    /// zeros after every 16 MB, which holds everything up for 40 ms.
    /// </summary>
    private async Task MakeSegmentsAsync()
    {
        var database = ConnectionString("postgres");
        // A switch needs something before it.
        await ExecuteAsync(database, $"SELECT pg_logical_emit_message(false, 'bench', 'x'), pg_switch_wal() FROM generate_series(1, {Segments})");
        await ExecuteAsync(database, "CHECKPOINT");
    }

    private static string FindBinaries()
    {
        if (Environment.GetEnvironmentVariable("POSTGRES_BIN") is { Length: > 0 } given) return given;
        const string Versions = "/usr/lib/postgresql";
        var found = Directory.Exists(Versions)
            ? Directory.EnumerateDirectories(Versions).Select(v => Path.Combine(v, "bin")).Where(b => File.Exists(Path.Combine(b, "pgbench")))
                .Max(StringComparer.Ordinal)
            : null;
        return found ?? throw new MissingProgramException("No Postgres was found. Install it, or name the folder of its binaries in POSTGRES_BIN; or " +
            "measure with --storage sqlite.");
    }
}
