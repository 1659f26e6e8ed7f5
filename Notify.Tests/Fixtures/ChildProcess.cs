using System.Diagnostics;

namespace Notify.Tests.Fixtures;

/// <summary>A program that a test started: its output line by line, and its certain end.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly Observed<string> _lines = new();

    private ChildProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, e) => Add(e.Data);
        _process.ErrorDataReceived += (_, e) => Add(e.Data);
        _process.Start();
        Pid = _process.Id;
        _process.StandardInput.Close(); // a program that asks gets an end of file and not this terminal
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _ = EndAsync();
    }

    public int Pid { get; }

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Standard output and error so far.</summary>
    public IReadOnlyList<string> Lines => _lines.Items;

    /// <summary>Resident memory, bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public static ChildProcess Start(
        string program, IEnumerable<string> arguments, string workingDirectory, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>()) start.Environment[name] = value;
        return new ChildProcess(start);
    }

    /// <summary>Runs a program to its end; fails with its output when it does not end well.</summary>
    public static async Task<IReadOnlyList<string>> RunAsync(
        string program, IEnumerable<string> arguments, string workingDirectory, TimeSpan limit, IReadOnlyDictionary<string, string?>? environment = null)
    {
        await using var child = Start(program, arguments, workingDirectory, environment);
        await child.WaitForExitAsync(limit);
        return child.ExitCode == 0 ? child.Lines : throw new InvalidOperationException($"{program} ended with {child.ExitCode}:{child._lines.Tail()}");
    }

    /// <summary>The first line, past or future, for which <paramref name="wanted"/> holds; fails when the program ends without it.</summary>
    public Task<string> WaitForLineAsync(Func<string, bool> wanted, TimeSpan? limit = null) => _lines.FirstAsync(wanted, limit);

    public async Task WaitForExitAsync(TimeSpan limit)
    {
        using var deadline = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The program did not end within {limit}:{_lines.Tail()}");
        }
    }

    /// <summary>SIGKILL: no time for anything.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        using var limit = new CancellationTokenSource(EndLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (_process.HasExited)
        {
            _lines.Complete(); // what it started has outlived it, and has its output open
        }
    }

    /// <summary>Sends a signal, such as <c>TERM</c> or <c>STOP</c>.</summary>
    public Task SignalAsync(string name) =>
        RunAsync("kill", [$"-{name}", $"{Pid}"], Path.GetTempPath(), TimeSpan.FromSeconds(10));

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private void Add(string? line)
    {
        if (line is not null) _lines.Add(line);
    }

    // Completes after the last line, which may come after the end of the process.
    private async Task EndAsync()
    {
        await _process.WaitForExitAsync();
        _lines.Complete();
    }
}
