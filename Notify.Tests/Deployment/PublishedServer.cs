using System.Text.RegularExpressions;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Deployment;

/// <summary>
/// The program as it is deployed: deploy/Dockerfile's steps up to its second image, run here. What it copies is all that it sees.
/// </summary>
public sealed partial class PublishedServer : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    private readonly TempFolder _folder = new();

    /// <summary>Where the program is.</summary>
    public string App => _folder.File("app");

    public string Program => Path.Combine(App, "Notify.Server.dll");

    public async ValueTask InitializeAsync()
    {
        var source = Directory.CreateDirectory(_folder.File("src")).FullName;
        foreach (var line in (await File.ReadAllLinesAsync(Path.Combine(Repository.Root, "deploy", "Dockerfile"))).Skip(1)
            .TakeWhile(line => !line.StartsWith("FROM mcr.microsoft.com/dotnet/aspnet", StringComparison.Ordinal)))
        {
            if (line.StartsWith("COPY ", StringComparison.Ordinal)) await CopyAsync(line[5..].Split(' '), source);
            if (line.StartsWith("RUN ", StringComparison.Ordinal)) await RunAsync(line[4..], source);
        }

        Assert.True(File.Exists(Program), "The Dockerfile's steps make /app/Notify.Server.dll.");
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    // As deploy/Dockerfile.dockerignore: nothing that was built here.
    private static async Task CopyAsync(string[] words, string source)
    {
        var to = Path.Combine(source, words[^1]);
        Directory.CreateDirectory(words[^1].EndsWith('/') || Directory.Exists(Path.Combine(Repository.Root, words[0])) ? to : source);
        foreach (var from in words[..^1])
        {
            var isFolder = Directory.Exists(Path.Combine(Repository.Root, from));
            await ChildProcess.RunAsync(
                "bash",
                ["-c", isFolder ? $"tar -C '{from}' --exclude=./bin --exclude=./obj --exclude=node_modules -cf - . | tar -C '{to}' -xf -"
                    : $"cp {from} '{to}'"],
                Repository.Root,
                Limit);
        }
    }

    private Task<IReadOnlyList<string>> RunAsync(string command, string source) => ChildProcess.RunAsync(
        "bash",
        ["-c", AppFolder().Replace(command.Replace("mkdir /data", "true", StringComparison.Ordinal), App)],
        source,
        Limit,
        // the build has looked already
        new Dictionary<string, string?> { ["MSBUILDDISABLENODEREUSE"] = "1", ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1", ["RunAnalyzersDuringBuild"] = "false" });

    [GeneratedRegex(@"(?<= )/app\b")]
    private static partial Regex AppFolder();
}
