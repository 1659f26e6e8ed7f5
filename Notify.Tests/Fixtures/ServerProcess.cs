using System.Net;
using Notify.Storage;
using Notify.Storage.Log;

namespace Notify.Tests.Fixtures;

/// <summary>
/// The real server in a process of its own, so that a test can kill it: in Development, on a port of its own,
/// with a data folder of its own that outlives restarts and goes with the fixture.
/// </summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly TempFolder _folder = new();
    private readonly ReservedPort _port = new();
    private readonly Launch _launch;
    private readonly IReadOnlyDictionary<string, string> _settings;
    private ChildProcess? _process;

    private ServerProcess(Launch launch, IReadOnlyDictionary<string, string> settings)
    {
        (_launch, _settings) = (launch, settings);
        Url = new Uri($"http://127.0.0.1:{_port}");
        Http = new HttpClient { BaseAddress = Url };
    }

    /// <summary>Where it listens; the same after a restart.</summary>
    public Uri Url { get; }

    /// <summary>A client for <see cref="Url"/>.</summary>
    public HttpClient Http { get; }

    /// <summary>What the next start finds in its environment besides the usual; for the fault suite.</summary>
    public Dictionary<string, string?> Environment { get; } = [];

    public int Pid => Running.Pid;

    public bool HasExited => Running.HasExited;

    public int ExitCode => Running.ExitCode;

    public long ResidentBytes => Running.ResidentBytes;

    /// <summary>What the current process has logged.</summary>
    public IReadOnlyList<string> Output => Running.Lines;

    private ChildProcess Running => _process ?? throw new InvalidOperationException("Not started.");

    /// <summary>Starts it and waits until it is ready. Without <c>ConnectionStrings:Postgres</c> it stores in a SQLite file of its own.</summary>
    /// <param name="settings">Settings by their names, such as <c>Notify:Limits:BatchSize</c>.</param>
    public static Task<ServerProcess> StartAsync(params (string Name, string Value)[] settings) => StartAsync(new Launch([], Repository.ServerDll), settings);

    /// <summary>The same, started in another way.</summary>
    public static async Task<ServerProcess> StartAsync(Launch launch, params (string Name, string Value)[] settings)
    {
        var server = new ServerProcess(launch, settings.ToDictionary(s => s.Name, s => s.Value));
        try
        {
            await server.StartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Null while it runs; then how it ended, with the last errors that it logged, or else with its last lines.</summary>
    public async Task<string?> EndingAsync()
    {
        if (!HasExited) return null;
        await Running.WaitForExitAsync(TimeSpan.FromSeconds(10)); // its last lines may come after its end
        var errors = LoggedErrors.Of(Output).TakeLast(40).ToList();
        return $"ended with {ExitCode}:{string.Concat((errors.Count > 0 ? errors : Output.TakeLast(10)).Select(line => $"\n    {line}"))}";
    }

    /// <summary>Starts it again after <see cref="KillAsync"/> or <see cref="TerminateAsync"/>, on the same port and data.</summary>
    /// <param name="untilReady">False when it is to start without what it needs, such as its database.</param>
    public async Task RestartAsync(bool untilReady = true)
    {
        await KillAsync();
        await StartAsync(untilReady);
    }

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => Running.KillAsync();

    /// <summary>SIGTERM, and waits for the orderly end.</summary>
    public async Task TerminateAsync(TimeSpan? limit = null)
    {
        await Running.SignalAsync("TERM");
        await Running.WaitForExitAsync(limit ?? TimeSpan.FromSeconds(30));
    }

    /// <summary>SIGSTOP, or SIGCONT: a process that is there and does nothing.</summary>
    public Task SignalAsync(string name) => Running.SignalAsync(name);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_process is not null) await _process.DisposeAsync();
        _port.Dispose();
        _folder.Dispose();
    }

    private async Task StartAsync(bool untilReady = true)
    {
        if (_process is null && _launch.Program == Repository.ServerDll) await PrepareStorageAsync();
        if (_process is not null) await _process.DisposeAsync();
        _process = ChildProcess.Start(Arguments().First(), Arguments().Skip(1), _folder.Path, new Dictionary<string, string?>(Environment)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_URLS"] = null,
            ["DOTNET_gcServer"] = "0",
        });
        await _process.WaitForLineAsync(line => line.Contains("Now listening on: ", StringComparison.Ordinal), StartLimit);
        if (untilReady) await UntilReadyAsync();
    }

    // A server that finds its tables starts in half of the time: EF's model is made once, in the tests' own process. That a server makes
    // them itself is tested where it is started otherwise.
    private async Task PrepareStorageAsync()
    {
        if (_settings.Keys.Any(name => name.StartsWith("Notify:Storage:", StringComparison.Ordinal))) return;
        var storage = new StorageOptions { Postgres = _settings.GetValueOrDefault("ConnectionStrings:Postgres"), SqlitePath = SqlitePath };
        try
        {
            await (await LogStore.OpenAsync(storage, TestContext.Current.CancellationToken)).DisposeAsync();
        }
        catch (StorageUnavailableException)
        {
            // The server is to start before its database.
        }
    }

    private string SqlitePath => _folder.File("notify.db");

    private IEnumerable<string> Arguments()
    {
        foreach (var word in _launch.Prefix) yield return word;
        yield return "dotnet";
        yield return _launch.Program;
        yield return $"--contentRoot={Path.GetDirectoryName(_launch.Program)}"; // for appsettings.json
        yield return $"--urls={Url.GetLeftPart(UriPartial.Authority)}";
        if (!_settings.ContainsKey("ConnectionStrings:Postgres")) yield return $"--Notify:Storage:SqlitePath={SqlitePath}";
        foreach (var (name, value) in _settings) yield return $"--{name}={value}";
    }

    private async Task UntilReadyAsync()
    {
        using var deadline = new CancellationTokenSource(StartLimit);
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        do
        {
            using var answer = await Http.GetAsync(new Uri("health/ready", UriKind.Relative), deadline.Token);
            if (answer.StatusCode == HttpStatusCode.OK) return;
        }
        while (await pause.WaitForNextTickAsync(deadline.Token));
    }
}

/// <summary>How a server is started.</summary>
/// <param name="Prefix">Words before <c>dotnet</c>: a program that sets something up and becomes it.</param>
/// <param name="Program">The server's dll.</param>
internal sealed record Launch(IReadOnlyList<string> Prefix, string Program);
