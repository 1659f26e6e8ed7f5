using Notify.Benchmarks.Load;

namespace Notify.Benchmarks.Processes;

/// <summary>A subscriber or publisher process on the load's core.</summary>
internal sealed class LoadProcess<TReady> : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private readonly ChildProcess _process;

    private LoadProcess(ChildProcess process, TReady ready) => (_process, Ready) = (process, ready);

    public TReady Ready { get; }

    public static async Task<LoadProcess<TReady>> StartAsync(string[] arguments)
    {
        var process = ChildProcess.Start(arguments[0], [.. Cores.Pin(Cores.Load), "dotnet", RunningServer.Executable("Notify.Benchmarks.dll"), .. arguments]);
        return new LoadProcess<TReady>(process, await ReadAsync<TReady>(process));
    }

    public Task SayAsync(string command) => _process.WriteLineAsync(command);

    public async Task<TAnswer> AskAsync<TAnswer>(string command)
    {
        await SayAsync(command);
        return await ReadAsync<TAnswer>(_process);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static async Task<T> ReadAsync<T>(ChildProcess process)
    {
        using var patience = new CancellationTokenSource(Patience);
        return RoleLine.Parse<T>(await process.ReadLineAsync(patience.Token));
    }
}
