using System.Diagnostics;
using System.Globalization;
using Npgsql;

[assembly: AssemblyFixture(typeof(Notify.Tests.Fixtures.PostgresCluster))]

namespace Notify.Tests.Fixtures;

/// <summary>
/// A Postgres of our own: made in a temporary folder on first use, on a free port of the loopback, gone at the end.
/// One is shared by the assembly; a test that stops or kills its server makes another one.
/// </summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    private const string User = "notify";

    private readonly SemaphoreSlim _starting = new(1);
    private readonly ReservedPort _port = new();
    private readonly EventHandler _atExit;
    private string? _folder;
    private Process? _server;
    private int _databases;

    public PostgresCluster()
    {
        _atExit = (_, _) => _server?.Kill();
        AppDomain.CurrentDomain.ProcessExit += _atExit;
    }

    /// <summary>Settings for the server, such as <c>fsync=on</c>; set before its first use.</summary>
    public IReadOnlyList<string> Settings { get; init; } = ["fsync=off", "full_page_writes=off"];

    /// <summary>Its data are on a small disk of their own; 0 for the ordinary place. Needs the right to mount.</summary>
    public int DiskMegabytes { get; init; }

    internal SmallDisk? Disk { get; private set; }

    public int Port => _port.Number;

    /// <summary>The postmaster's.</summary>
    public int ProcessId => _server?.Id ?? throw new InvalidOperationException("The cluster is stopped.");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public string ConnectionString(string database) => ConnectionString(database, Port);

    /// <summary>Through something else that listens, such as a <see cref="TcpProxy"/>.</summary>
    public static string ConnectionString(string database, int port) =>
        $"Host=127.0.0.1;Port={port};Database={database};Username={User};Include Error Detail=true";

    public async Task<string> CreateDatabaseAsync()
    {
        await StartAsync();
        var database = $"test_{Interlocked.Increment(ref _databases)}";
        await ExecuteAsync("postgres", $"CREATE DATABASE {database}");
        return database;
    }

    public async Task<int> ExecuteAsync(string database, string sql)
    {
        await using var connection = await ConnectAsync(database);
        return await ExecuteOnAsync(connection, sql);
    }

    public static async Task<int> ExecuteOnAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        return await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string database, string sql)
    {
        await using var connection = await ConnectAsync(database);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>A connection of the test's own, which sees the service's tables without naming their schema.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(string database)
    {
        var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false;Search Path=notify,public");
        await connection.OpenAsync();
        return connection;
    }

    public async Task StartAsync()
    {
        await _starting.WaitAsync();
        try
        {
            if (_server is { HasExited: false })
                return;
            if (_folder is null)
                await MakeAsync();
            string[] settings = ["unix_socket_directories=", "max_connections=200", "log_min_messages=fatal", .. Settings];
            string[] arguments =
            [
                "-D", _folder!, "-p", Port.ToString(CultureInfo.InvariantCulture), "-h", "127.0.0.1",
                .. settings.SelectMany(setting => new[] { "-c", setting }),
            ];
            _server = Run("postgres", arguments);
            await Eventually.SucceedsAsync<bool, NpgsqlException>(
                async () =>
                {
                    Assert.False(_server.HasExited, "The Postgres of the tests did not start.");
                    await using var connection = await ConnectAsync("postgres");
                    return true;
                },
                "the Postgres of the tests answers");
        }
        finally
        {
            _starting.Release();
        }
    }

    /// <summary>A standby that follows this cluster; <c>SELECT pg_promote()</c> makes it a primary of another timeline.</summary>
    public async Task<PostgresCluster> StartStandbyAsync()
    {
        await StartAsync();
        var standby = new PostgresCluster { _folder = await MakeFolderAsync() };
        using var copy = Run("pg_basebackup", ["-D", standby._folder, "-d", $"host=127.0.0.1 port={Port} user={User}", "-R", "-c", "fast", "--no-sync"]);
        await EndedAsync(copy);
        Assert.True(copy.ExitCode == 0, "pg_basebackup failed; run it by hand to see why.");
        await standby.StartAsync();
        return standby;
    }

    /// <summary>A copy of this cluster as it is now, not started: what a backup holds.</summary>
    public async Task<PostgresCluster> CopyAsync()
    {
        var copy = new PostgresCluster { _folder = await MakeFolderAsync(), Settings = Settings };
        using var backup = Run("pg_basebackup", ["-D", copy._folder, "-d", $"host=127.0.0.1 port={Port} user={User}", "-c", "fast", "--no-sync"]);
        await EndedAsync(backup);
        Assert.True(backup.ExitCode == 0, "pg_basebackup failed; run it by hand to see why.");
        return copy;
    }

    /// <summary>Sends a signal, such as <c>STOP</c>, to the server and all its backends.</summary>
    public async Task SignalAsync(string name)
    {
        var children = await ChildProcess.RunAsync("ps", ["-o", "pid=", "--ppid", $"{ProcessId}"], Path.GetTempPath(), TimeSpan.FromSeconds(10));
        string[] pids = [$"{ProcessId}", .. children.Select(line => line.Trim())];
        using var kill = Process.Start("kill", [$"-{name}", .. pids]);
        await EndedAsync(kill); // a backend that ended meanwhile is no failure
    }

    /// <summary>Immediately: as in a crash, sessions are cut and the next start recovers.</summary>
    public async Task StopAsync(bool immediate = false)
    {
        if (_server is not { HasExited: false } server)
            return;
        using var kill = Process.Start("kill", [immediate ? "-QUIT" : "-INT", server.Id.ToString(CultureInfo.InvariantCulture)]);
        await EndedAsync(kill);
        await EndedAsync(server);
        _server = null;
        server.Dispose();
    }

    public async Task RestartAsync(bool immediate = false)
    {
        await StopAsync(immediate);
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(immediate: true);
        AppDomain.CurrentDomain.ProcessExit -= _atExit;
        if (Disk is not null)
            await Disk.DisposeAsync();
        if (_folder is not null)
            Directory.Delete(Disk is null ? _folder : Path.GetDirectoryName(_folder)!, recursive: true);
        _port.Dispose();
        _starting.Dispose();
    }

    private async Task MakeAsync()
    {
        var folder = await MakeFolderAsync();
        if (DiskMegabytes > 0)
        {
            Disk = await SmallDisk.MountAsync(folder, DiskMegabytes);
            folder = Directory.CreateDirectory(Path.Combine(folder, "data")).FullName;
            await OwnAsync(folder);
        }

        using var initdb = Run("initdb", ["-D", folder, "-U", User, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        await EndedAsync(initdb);
        Assert.True(initdb.ExitCode == 0, "initdb failed; run it by hand to see why.");
        _folder = folder;
    }

    private static async Task<string> MakeFolderAsync()
    {
        var folder = Directory.CreateTempSubdirectory("notify-postgres-").FullName;
        await OwnAsync(folder);
        return folder;
    }

    // Postgres refuses to run as root.
    internal static async Task OwnAsync(string folder)
    {
        if (!IsRoot)
            return;
        using var own = Process.Start("chown", ["-R", "postgres:", folder]);
        await EndedAsync(own);
    }

    /// <summary>A program that does not end within the limit, such as a server that was stopped and never continued, is killed.</summary>
    private static async Task EndedAsync(Process process)
    {
        using var limit = new CancellationTokenSource(Eventually.Patience);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{process.StartInfo.FileName} did not end within {Eventually.Patience} and was killed.");
        }
    }

    private static Process Run(string binary, string[] arguments)
    {
        var path = Path.Combine(Binaries(), binary);
        var start = IsRoot
            ? new ProcessStartInfo("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", path, .. arguments])
            : new ProcessStartInfo(path, arguments);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.WorkingDirectory = Path.GetTempPath();
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static bool IsRoot => Environment.UserName == "root";

    private static string Binaries()
    {
        var installed = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql")
                .OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0)
                .Select(folder => Path.Combine(folder, "bin"))
            : [];
        var onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return installed.Concat(onPath).FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")))
            ?? throw new InvalidOperationException("These tests need Postgres's own programs (initdb, postgres): apt-get install postgresql.");
    }
}
