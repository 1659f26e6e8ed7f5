using System.IO.Compression;
using System.Xml.Linq;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;

namespace Notify.Tests;

/// <summary>What is published: <c>dotnet pack</c> at the root, and the words that must agree with the code.</summary>
public sealed class PackageTests
{
    private static readonly string[] Packed = ["Notify.Client", "Notify.Client.MessagePack", "Notify.Contracts"];

    [Fact]
    public async Task Packing_at_the_root_makes_the_packages_with_all_their_metadata_and_symbols()
    {
        using var folder = new TempFolder();
        string[] command = ["pack", "Notify.sln", "-o", folder.Path, "-nologo", "-v", "m", "-p:RunAnalyzers=false"]; // which the build has run
        await using (var pack = ChildProcess.Start("dotnet", command, Repository.Root, new Dictionary<string, string?>
        {
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["UseSharedCompilation"] = "false",
        }))
        {
            await pack.WaitForExitAsync(TimeSpan.FromMinutes(5));
            Assert.True(pack.ExitCode == 0, string.Join('\n', pack.Lines));
            Assert.DoesNotContain(pack.Lines, line => line.Contains("warning", StringComparison.OrdinalIgnoreCase));
        }

        Assert.Equal(
            Packed.SelectMany(id => new[] { $"{id}.nupkg", $"{id}.snupkg" }).Order(),
            Directory.GetFiles(folder.Path).Where(file => !Path.GetFileName(file).StartsWith("Notify.Cli.", StringComparison.Ordinal))
                .Select(file => Path.GetFileName(file).Replace($".{Version}.", ".", StringComparison.Ordinal)).Order());
        Assert.True(File.Exists(folder.File($"Notify.Cli.{Version}.nupkg")));
        foreach (var id in Packed)
        {
            await using var package = await ZipFile.OpenReadAsync(folder.File($"{id}.{Version}.nupkg"), TestContext.Current.CancellationToken);
            var metadata = (await NuspecAsync(package, id)).Root!.Elements().Single().Elements().ToDictionary(element => element.Name.LocalName);
            Assert.Equal((id, Version, "MIT", "README.md"),
                (metadata["id"].Value, metadata["version"].Value, metadata["license"].Value, metadata["readme"].Value));
            Assert.All(["authors", "description", "tags", "copyright", "repository"], name => Assert.Contains(name, metadata.Keys));
            Assert.NotEqual("Package Description", metadata["description"].Value);
            Assert.Equal("git", metadata["repository"].Attribute("type")?.Value);
            Assert.Superset(
                new HashSet<string> { "README.md", $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml" },
                package.Entries.Select(entry => entry.FullName).ToHashSet());

            await using var symbols = await ZipFile.OpenReadAsync(folder.File($"{id}.{Version}.snupkg"), TestContext.Current.CancellationToken);
            Assert.Contains($"lib/net10.0/{id}.pdb", symbols.Entries.Select(entry => entry.FullName));
            Assert.All(["net8.0", "netstandard2.0"], target => Assert.NotNull(package.GetEntry($"lib/{target}/{id}.dll")));
            await DoesNotTellWhereItWasBuiltAsync(package.GetEntry($"lib/net10.0/{id}.dll")!);
        }
    }

    [Fact]
    public void The_guide_names_the_oldest_Postgres_that_is_let_in() => Assert.Contains(
        $"A Postgres ({PostgresSchema.OldestServer} or later)",
        File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md")),
        StringComparison.Ordinal);

    private static string Version => XDocument.Load(Path.Combine(Repository.Root, "Directory.Build.props")).Descendants("Version").Single().Value;

    private static async Task<XDocument> NuspecAsync(ZipArchive package, string id)
    {
        await using var stream = await package.GetEntry($"{id}.nuspec")!.OpenAsync(TestContext.Current.CancellationToken);
        return await XDocument.LoadAsync(stream, LoadOptions.None, TestContext.Current.CancellationToken);
    }

    private static async Task DoesNotTellWhereItWasBuiltAsync(ZipArchiveEntry assembly)
    {
        await using var stream = await assembly.OpenAsync(TestContext.Current.CancellationToken);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        Assert.Equal(-1, bytes.ToArray().AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(Repository.Root)));
    }
}
