using System.Diagnostics;
using Notify.Benchmarks.Load;
using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Workloads;

/// <summary>What the workloads of one call share: a Postgres, temporary files, how often everything is run.</summary>
internal sealed class Laboratory(int runs, TimeSpan patience, TextWriter log) : IAsyncDisposable
{
    /// <summary>Cores in use by others that still count as quiet.</summary>
    private const double Quiet = 0.15;

    private readonly TemporaryFolder _folder = new("notify-bench-");
    private PostgresInstance? _postgres;
    private int _files;

    public int Runs => runs;

    public async Task<PostgresInstance> PostgresAsync() => _postgres ??= await PostgresInstance.StartAsync();

    public string File(string name) => Path.Combine(_folder.Path, $"{++_files}-{name}");

    /// <summary>Prints what comes next, and waits (not for ever) until the machine is idle.</summary>
    public async Task BeginAsync(string what)
    {
        log.WriteLine(what);
        var clock = Stopwatch.StartNew();
        while (await Neighbours.WatchAsync(TimeSpan.FromSeconds(1)) > Quiet && clock.Elapsed < patience)
        {
        }
    }

    /// <summary>A database for one server, and for it again after a restart.</summary>
    public async Task<Storage> NewStorageAsync(string kind)
    {
        if (kind == "sqlite") return new Storage(null, null, File("notify.db"));
        if (kind != "postgres") throw new ArgumentException($"--storage is postgres or sqlite, not '{kind}'.");
        var postgres = await PostgresAsync();
        return new Storage(postgres, await postgres.CreateDatabaseAsync(), null);
    }

    public async ValueTask DisposeAsync()
    {
        if (_postgres is not null) await _postgres.DisposeAsync();
        _folder.Dispose();
    }
}
