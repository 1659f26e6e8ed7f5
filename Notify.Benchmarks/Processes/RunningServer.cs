using System.Diagnostics;
using System.Globalization;
using Notify.Benchmarks.Load;

namespace Notify.Benchmarks.Processes;

/// <summary>A measured server process, ready to be asked.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    /// <summary>Where Notify's server lies: beside the tool, or where it was published to.</summary>
    public static string Folder { get; set; } = AppContext.BaseDirectory;

    private readonly ChildProcess _process;
    private readonly Probe? _probe;

    private RunningServer(PeerKind peer, int port, ChildProcess process, Probe? probe, TimeSpan started) =>
        (Peer, Port, _process, _probe, Started) = (peer, port, process, probe, started);

    public PeerKind Peer { get; }
    public int Port { get; }
    public int ProcessId => _process.Id;

    /// <summary>From the start of the process to the first 200 of /health/ready.</summary>
    public TimeSpan Started { get; }

    public static Task<RunningServer> StartNotifyAsync(string? postgres, string? sqliteFile, bool withProbe = false, string? redis = null, bool isOpen = false,
        bool withUsers = false, string? signingKey = null, string? folder = null)
    {
        // In Development a caller from this machine is the user that it names.
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_ENVIRONMENT"] = withUsers ? "Development" : "Production",
            ["Notify__Auth__AllowAnonymous"] = withUsers ? "false" : "true",
            ["Logging__LogLevel__Default"] = "Warning",
        };
        if (isOpen)
        {
            environment["ASPNETCORE_ENVIRONMENT"] = "Development"; // open on loopback, without a token
            environment.Remove("Notify__Auth__AllowAnonymous");
            environment["Notify__Retention__SweepInterval"] = "00:00:02";
        }

        if (postgres is not null) environment["ConnectionStrings__Postgres"] = postgres;
        if (sqliteFile is not null) environment["Notify__Storage__SqlitePath"] = sqliteFile;
        if (signingKey is not null)
        {
            // Everybody may do what the credential may: in one process each is measured with and without.
            environment.Remove("Notify__Auth__AllowAnonymous");
            environment["Notify__Auth__SigningKey"] = signingKey;
            environment["Notify__Auth__Anonymous__Publish__0"] = "#";
            environment["Notify__Auth__Anonymous__Subscribe__0"] = "#";
        }

        if (redis is not null) environment["ConnectionStrings__Redis"] = redis;
        var port = FreePort.Take();
        environment["Urls"] = $"http://127.0.0.1:{port}";
        return StartAsync(PeerKind.Notify, port, NotifyCommand(folder ?? Folder), environment, withProbe);
    }

    public static Task<RunningServer> StartPeerAsync(PeerKind peer, bool withProbe, params string[] options)
    {
        var port = FreePort.Take();
        string[] role = [peer == PeerKind.Stock ? "stock-server" : "raw-server", "--port", port.ToString(CultureInfo.InvariantCulture), .. options];
        return StartAsync(peer, port, ["dotnet", Executable("Notify.Benchmarks.dll"), .. role], [], withProbe);
    }

    public static string Executable(string name) => Path.Combine(AppContext.BaseDirectory, name);

    /// <summary>Of a server that was started with one.</summary>
    public Probe Probe => _probe ?? throw new InvalidOperationException("The server was started without a probe.");

    /// <summary>As a service manager stops it.</summary>
    public Task StopAsync() => _process.StopAsync(TimeSpan.FromSeconds(30), politely: true);

    public Task KillAsync() => _process.StopAsync(TimeSpan.Zero, politely: false);

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _probe?.Dispose();
    }

    /// <summary>The program itself where it was published with its runtime, which the "dotnet" command does not start.</summary>
    private static string[] NotifyCommand(string folder) =>
        File.Exists(Path.Combine(folder, "libcoreclr.so")) ? [Path.Combine(folder, "Notify.Server")] : ["dotnet", Path.Combine(folder, "Notify.Server.dll")];

    private static async Task<RunningServer> StartAsync(PeerKind peer, int port, string[] command, Dictionary<string, string> environment, bool withProbe)
    {
        var probe = withProbe ? new Probe() : null;
        if (probe is not null)
        {
            environment["DOTNET_STARTUP_HOOKS"] = Executable("Notify.Benchmarks.dll");
            environment[StartupHook.SocketVariable] = probe.SocketPath;
        }

        environment["DOTNET_NOLOGO"] = "1";
        var clock = Stopwatch.StartNew();
        var process = ChildProcess.Start(peer.ToString(), [.. Cores.Pin(Cores.Server), .. command], environment, AppContext.BaseDirectory);
        process.DrainOutput();
        try
        {
            while (true)
            {
                if (process.HasExited) throw process.Ended();
                if (await IsReadyAsync(port)) return new RunningServer(peer, port, process, probe, clock.Elapsed);
                if (clock.Elapsed > StartPatience) throw new TimeoutException($"{peer} was not ready after {StartPatience.TotalSeconds} s.");
                await Task.Delay(2);
            }
        }
        catch
        {
            await process.DisposeAsync();
            probe?.Dispose();
            throw;
        }
    }

    private static async Task<bool> IsReadyAsync(int port)
    {
        try
        {
            using var answer = await Http.GetAsync(new Uri($"http://127.0.0.1:{port}/health/ready"));
            return answer.IsSuccessStatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            return false; // not listening yet
        }
    }
}
