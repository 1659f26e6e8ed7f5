using System.Xml.Linq;

namespace Notify.Tests.Fixtures;

/// <summary>
/// The packages, as <c>dotnet pack</c> at the root makes them; once for all tests of a class.
/// </summary>
public sealed class PackedPackages : IAsyncLifetime
{
    /// <summary>What keeps the programs of the SDK from leaving servers behind.</summary>
    internal static readonly IReadOnlyDictionary<string, string?> NoBuildServers = new Dictionary<string, string?>
    {
        ["MSBUILDDISABLENODEREUSE"] = "1",
        ["UseSharedCompilation"] = "false",
        ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
    };

    private readonly TempFolder _folder = new();

    /// <summary>
    /// The version that the repository has. Not one of this run's own: packing would restore the projects for it, and the next build
    /// would write files anew that other tests start programs with.
    /// </summary>
    internal static string Version { get; } =
        XDocument.Load(Path.Combine(Repository.Root, "Directory.Build.props")).Descendants("Version").Single().Value;

    internal string Folder => _folder.Path;

    /// <summary>What it printed.</summary>
    internal IReadOnlyList<string> Output { get; private set; } = [];

    /// <summary>The file of a package.</summary>
    internal string File(string id, string extension = "nupkg") => _folder.File($"{id}.{Version}.{extension}");

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        // The build has run the analyzers.
        string[] command = ["pack", "Notify.sln", "-o", Folder, "-nologo", "-v", "m", "-p:RunAnalyzers=false"];
        Output = await ChildProcess.RunAsync("dotnet", command, Repository.Root, TimeSpan.FromMinutes(8), NoBuildServers);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
