using System.Text.RegularExpressions;

namespace Notify.Tests.Fixtures;

/// <summary>
/// A folder outside of the repository in which projects refer to the packages, as on a machine that has no more than
/// these: beside the sources that this machine has, a folder of packages, and a cache of its own.
/// </summary>
internal sealed partial class FreshFolder : IDisposable
{
    private readonly TempFolder _folder = new();

    // Without <clear/>: what the packages depend on comes from wherever this machine has its packages from.
    public FreshFolder(PackedPackages packages) => Write("nuget.config", $"""
        <configuration>
          <packageSources>
            <add key="packed" value="{packages.Folder}" />
          </packageSources>
        </configuration>
        """);

    /// <summary>Writes a file, and the folders above it.</summary>
    public void Write(string path, string text)
    {
        var file = _folder.File(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        System.IO.File.WriteAllText(file, text);
    }

    public string File(string path) => _folder.File(path);

    public string Read(string path) => System.IO.File.ReadAllText(_folder.File(path));

    /// <summary>Writes the project file of a program or library.</summary>
    public void WriteProject(string name, string outputType, params (string Id, string Version)[] packages) => Write($"{name}/{name}.csproj", $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>{outputType}</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
          </PropertyGroup>
          <ItemGroup>
            {string.Join('\n', packages.Select(package => $"<PackageReference Include=\"{package.Id}\" Version=\"{package.Version}\" />"))}
          </ItemGroup>
        </Project>
        """);

    /// <summary>Runs <c>dotnet</c> here to its end.</summary>
    public Task<IReadOnlyList<string>> DotnetAsync(params string[] arguments)
    {
        // What the repository was restored with is not downloaded again, and what is made here leaves nothing in the machine's cache.
        var machine = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var stale = Path.Combine(machine, "notify.contracts", PackedPackages.Version);
        Assert.False(Directory.Exists(stale), $"{stale} would be taken for what was just packed: remove it and the others of that version.");
        return ChildProcess.RunAsync("dotnet", arguments, _folder.Path, TimeSpan.FromMinutes(5), new Dictionary<string, string?>(PackedPackages.NoBuildServers)
        {
            ["NUGET_PACKAGES"] = _folder.File("packages"),
            ["NUGET_FALLBACK_PACKAGES"] = machine,
        });
    }

    /// <summary>Starts a program that was built here, in its own folder, as <c>dotnet run</c> would.</summary>
    public ChildProcess Start(string name, params string[] arguments) => ChildProcess.Start(
        "dotnet", [_folder.File(Path.Combine(name, "bin", "Debug", "net10.0", $"{name}.dll")), .. arguments], _folder.File(name),
        new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Development", ["ASPNETCORE_URLS"] = null });

    /// <summary>The blocks of C# of one of the repository's pages, as they are printed.</summary>
    public static IReadOnlyList<string> Printed(params string[] page) =>
        [.. Block().Matches(System.IO.File.ReadAllText(Path.Combine([Repository.Root, .. page]))).Select(match => match.Groups["code"].Value)];

    public void Dispose() => _folder.Dispose();

    [GeneratedRegex(@"^```csharp\n(?<code>.+?\n)```$", RegexOptions.ExplicitCapture | RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();
}
