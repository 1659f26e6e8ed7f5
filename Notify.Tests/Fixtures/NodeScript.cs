using System.Text.Json;

namespace Notify.Tests.Fixtures;

/// <summary>
/// A script of <c>Notify.Tests/Node</c>, run by Node with the stock JavaScript packages. Scripts print one JSON object a
/// line; anything else on a line is for people.
/// </summary>
internal sealed class NodeScript : IAsyncDisposable
{
    private static readonly string Folder = Path.Combine(Repository.Root, "Notify.Tests", "Node");

    private readonly ChildProcess _process;

    private NodeScript(ChildProcess process) => _process = process;

    /// <summary>What it has printed so far.</summary>
    public IReadOnlyList<string> Lines => _process.Lines;

    /// <summary>The JSON objects it has printed so far.</summary>
    public IReadOnlyList<JsonElement> Objects => [.. Lines.Where(IsObject).Select(line => JsonElement.Parse(line))];

    /// <summary>Starts a script with arguments; the packages are installed first, once a test run.</summary>
    public static Task<NodeScript> StartAsync(string script, params string[] arguments) => StartAsync(new Dictionary<string, string?>(), script, arguments);

    /// <summary>The same with variables of its environment.</summary>
    public static async Task<NodeScript> StartAsync(IReadOnlyDictionary<string, string?> environment, string script, params string[] arguments)
    {
        await NodePackages.InstallAsync(Folder);
        return new NodeScript(ChildProcess.Start("node", [script, .. arguments], Folder, environment));
    }

    /// <summary>A script of the example, with the packages of the tests' own.</summary>
    public static async Task<NodeScript> StartExampleAsync(string script, IReadOnlyDictionary<string, string?> environment, TempFolder folder)
    {
        await NodePackages.InstallAsync(Folder);
        File.Copy(Path.Combine(Repository.Root, "examples", "plain-signalr", script), folder.File(script));
        Directory.CreateSymbolicLink(folder.File("node_modules"), Path.Combine(Folder, "node_modules"));
        return new NodeScript(ChildProcess.Start("node", [script], folder.Path, environment));
    }

    /// <summary>The first line, past or future, for which this holds.</summary>
    public Task<string> WaitForLineAsync(Func<string, bool> wanted) => _process.WaitForLineAsync(wanted);

    /// <summary>The first object, past or future, that has this member and, if asked, this content in it.</summary>
    public async Task<JsonElement> WaitForAsync(string member, Func<JsonElement, bool>? wanted = null) => JsonElement.Parse(
        await _process.WaitForLineAsync(line =>
            IsObject(line) && JsonElement.Parse(line).TryGetProperty(member, out var content) && wanted?.Invoke(content) != false));

    /// <summary>Waits for its own end, and fails with its output when that is not a good one.</summary>
    public async Task WaitForExitAsync(TimeSpan limit)
    {
        await _process.WaitForExitAsync(limit);
        Assert.True(_process.ExitCode == 0, string.Join('\n', Lines.TakeLast(40)));
    }

    /// <summary>SIGKILL, or another signal with an orderly end.</summary>
    public Task KillAsync() => _process.KillAsync();

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static bool IsObject(string line) => line.StartsWith('{');
}
