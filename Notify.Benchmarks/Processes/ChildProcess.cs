using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;

namespace Notify.Benchmarks.Processes;

/// <summary>A process that is started pinned, talked to in lines, and killed at the end by its id.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<ChildProcess, bool> Living = new();

    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private readonly Task _readingErrors;
    private readonly string _name;

    private ChildProcess(string name, Process process)
    {
        _name = name;
        _process = process;
        Living[this] = true;
        _readingErrors = ReadErrorsAsync();
    }

    public int Id => _process.Id;
    public bool HasExited => _process.HasExited;

    public static ChildProcess Start(string name, IEnumerable<string> command, IReadOnlyDictionary<string, string>? environment = null, string? folder = null)
    {
        var words = command.ToList();
        var start = new ProcessStartInfo(words[0], words.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? Path.GetTempPath(),
        };
        foreach (var (key, value) in environment ?? new Dictionary<string, string>()) start.Environment[key] = value;
        return new ChildProcess(name, Process.Start(start) ?? throw new InvalidOperationException($"{words[0]} did not start."));
    }

    /// <summary>When the tool itself is told to end.</summary>
    public static void KillAll()
    {
        foreach (var child in Living.Keys)
        {
            if (!child.HasExited) child._process.Kill();
        }
    }

    /// <summary>Runs a command to its end and returns what it said; throws when it fails.</summary>
    public static async Task<string> RunAsync(IEnumerable<string> command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var words = command.ToList();
        await using var process = Start(words[0], words, environment);
        var said = await process._process.StandardOutput.ReadToEndAsync();
        await process._process.WaitForExitAsync();
        await process._readingErrors;
        return process._process.ExitCode == 0
            ? said
            : throw new InvalidOperationException($"{string.Join(' ', words)} failed: {process._errors}{said}");
    }

    public async Task<string> ReadLineAsync(CancellationToken cancellationToken) =>
        await _process.StandardOutput.ReadLineAsync(cancellationToken) ?? throw Ended();

    public async Task WriteLineAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Drains the server's standard output: a full pipe would stop it.</summary>
    public void DrainOutput() => _ = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);

    public Exception Ended() => new InvalidOperationException($"{_name} ended. It said: {_errors}");

    /// <summary>Kills it when it does not go by itself.</summary>
    public async Task StopAsync(TimeSpan patience, bool politely)
    {
        if (!_process.HasExited)
        {
            if (politely) await RunAsync(["kill", "-TERM", Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            using var cut = new CancellationTokenSource(politely ? patience : TimeSpan.Zero);
            await _process.WaitForExitAsync(cut.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero, politely: false);
        Living.TryRemove(this, out _);
        _process.Dispose();
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            if (_errors.Length < 4000) _errors.AppendLine(line);
        }
    }
}
