using System.IO.Compression;
using System.Xml.Linq;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;

namespace Notify.Tests;

/// <summary>What is published: <c>dotnet pack</c> at the root, and the words that must agree with the code.</summary>
public sealed class PackageTests
{
    private static readonly string[] Libraries = ["Notify.Client", "Notify.Client.MessagePack", "Notify.Contracts", "Notify.Engine", "Notify.Server", "Notify.Storage"];

    [Fact]
    public async Task Packing_at_the_root_makes_the_packages_with_all_their_metadata_and_symbols_and_fresh_projects_use_them()
    {
        using var folder = new TempFolder();
        await using (var pack = ChildProcess.Start("dotnet", ["pack", "Notify.sln", "-o", folder.Path, "-nologo", "-v", "m"], Repository.Root, new Dictionary<string, string?>
        {
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["UseSharedCompilation"] = "false",
        }))
        {
            await pack.WaitForExitAsync(TimeSpan.FromMinutes(10));
            Assert.True(pack.ExitCode == 0, string.Join('\n', pack.Lines));
            Assert.DoesNotContain(pack.Lines, line => line.Contains("warning", StringComparison.OrdinalIgnoreCase));
        }

        Assert.Equal(
            Libraries.Append("Notify.Cli").SelectMany(id => new[] { $"{id}.nupkg", $"{id}.snupkg" }).Order(),
            Directory.GetFiles(folder.Path).Select(file => Path.GetFileName(file).Replace($".{Version}.", ".", StringComparison.Ordinal)).Order());
        foreach (var id in Libraries)
        {
            await using var package = await ZipFile.OpenReadAsync(folder.File($"{id}.{Version}.nupkg"), TestContext.Current.CancellationToken);
            var metadata = (await NuspecAsync(package, id)).Root!.Elements().Single().Elements().ToDictionary(element => element.Name.LocalName);
            Assert.Equal((id, Version, "MIT", "README.md"), (metadata["id"].Value, metadata["version"].Value, metadata["license"].Value, metadata["readme"].Value));
            Assert.All(["authors", "description", "tags", "copyright", "repository"], name => Assert.Contains(name, metadata.Keys));
            Assert.NotEqual("Package Description", metadata["description"].Value);
            Assert.Equal("git", metadata["repository"].Attribute("type")?.Value);
            Assert.Superset(
                new HashSet<string> { "README.md", $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml" },
                package.Entries.Select(entry => entry.FullName).ToHashSet());

            await using var symbols = await ZipFile.OpenReadAsync(folder.File($"{id}.{Version}.snupkg"), TestContext.Current.CancellationToken);
            Assert.Contains($"lib/net10.0/{id}.pdb", symbols.Entries.Select(entry => entry.FullName));
            await DoesNotTellWhereItWasBuiltAsync(package.GetEntry($"lib/net10.0/{id}.dll")!);
            if (id.StartsWith("Notify.C", StringComparison.Ordinal))
                Assert.All(["net8.0", "netstandard2.0"], target => Assert.NotNull(package.GetEntry($"lib/{target}/{id}.dll")));
        }

        await UseAsync(folder);
    }

    // Fresh projects, with the pages' snippets as they are printed. What is not of this repository comes from where it is already.
    private static async Task UseAsync(TempFolder packages)
    {
        await using var host = await HostAsync(packages);
        var line = await host.WaitForLineAsync(line => line.Contains("Now listening on: ", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        var url = line[(line.IndexOf("http://", StringComparison.Ordinal))..].Trim();
        using var http = new HttpClient { BaseAddress = new Uri(url) };
        await Eventually.TrueAsync(async () => (await http.GetAsync(new Uri("health", UriKind.Relative), TestContext.Current.CancellationToken)).IsSuccessStatusCode, "the host is not ready");

        var client = packages.File("client");
        var snippet = Snippet("Notify.Client/README.md").Replace("https://notify.example", url, StringComparison.Ordinal);
        await ProjectAsync(client, packages, "Microsoft.NET.Sdk", "net10.0", "<OutputType>Exe</OutputType>", "Notify.Client", "using Notify.Client;\n" + snippet);
        await BuildAsync(client);
        await using var follower = ChildProcess.Start("dotnet", [Path.Combine(client, "bin", "Debug", "net10.0", "client.dll")], client, new Dictionary<string, string?>());
        await Eventually.TrueAsync(
            async () =>
            {
                using var content = new StringContent("hello from a package");
                using var answer = await http.PostAsync(new Uri("api/v1/topics/orders/1", UriKind.Relative), content, TestContext.Current.CancellationToken);
                return answer.IsSuccessStatusCode && follower.Lines.Any(printed => printed.EndsWith("orders/1: hello from a package", StringComparison.Ordinal));
            },
            "the follower printed nothing");

        // .NET Framework with C# 9: compiled, not run.
        var old = packages.File("old");
        await ProjectAsync(old, packages, "Microsoft.NET.Sdk", "net48", "<LangVersion>9</LangVersion>", "Notify.Client", OldCode);
        await BuildAsync(old);
    }

    private const string OldCode = """
        using System;
        using System.Threading;
        using System.Threading.Tasks;
        using Notify.Client;
        using Notify.Contracts.Publishing;

        public sealed class Paid { public int Id { get; set; } }

        public static class Desktop
        {
            public static async Task RunAsync(CancellationToken token)
            {
                await using var client = new NotifyClient(new NotifyClientOptions { Url = new Uri("https://notify.example"), Topics = new[] { "orders/#" } });
                client.StateChanged += state => Console.WriteLine(state is NotifyClientState.Retrying retrying ? retrying.Why.Message : state.Name);
                using var registration = client.On<Paid>("orders/+/paid", (notification, paid, ct) => Task.CompletedTask);
                await client.StartAsync(token);
                await client.PublishAsync(new PublishRequest { Topic = "a", Body = "b" }, token);
                await foreach (var notification in client.Notifications.WithCancellation(token)) Console.WriteLine(notification.Topic + client.Inbox.Counts.Current?.Unread);
            }
        }
        """;

    private static async Task<ChildProcess> HostAsync(TempFolder packages)
    {
        var host = packages.File("host");
        await ProjectAsync(host, packages, "Microsoft.NET.Sdk.Web", "net10.0", "", "Notify.Server", Snippet("docs/embedding.md"));
        await BuildAsync(host);
        return ChildProcess.Start("dotnet", [Path.Combine(host, "bin", "Debug", "net10.0", "host.dll"), "--urls=http://127.0.0.1:0"], host, new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
        });
    }

    private static async Task ProjectAsync(string folder, TempFolder packages, string sdk, string target, string properties, string package, string code)
    {
        Directory.CreateDirectory(folder);
        var cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        await File.WriteAllTextAsync(
            Path.Combine(folder, Path.GetFileName(folder) + ".csproj"),
            $"""
            <Project Sdk="{sdk}">
              <PropertyGroup>
                <TargetFramework>{target}</TargetFramework>
                <ImplicitUsings>{(target == "net48" ? "disable" : "enable")}</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <WarningsNotAsErrors>NU1900;NU1905</WarningsNotAsErrors>
                <RestorePackagesPath>{packages.File("cache")}</RestorePackagesPath>
                <RestoreFallbackFolders>{cache}</RestoreFallbackFolders>
                <RestoreAdditionalProjectSources>{packages.Path}</RestoreAdditionalProjectSources>
                {properties}
              </PropertyGroup>
              <ItemGroup><PackageReference Include="{package}" Version="{Version}" /></ItemGroup>
            </Project>
            """,
            TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "Program.cs"), code, TestContext.Current.CancellationToken);
    }

    private static async Task BuildAsync(string folder)
    {
        await using var build = ChildProcess.Start("dotnet", ["build", "-nologo", "-v", "m"], folder, new Dictionary<string, string?> { ["MSBUILDDISABLENODEREUSE"] = "1" });
        await build.WaitForExitAsync(TimeSpan.FromMinutes(5));
        Assert.True(build.ExitCode == 0, string.Join('\n', build.Lines));
    }

    // The first one of C# on a page.
    private static string Snippet(string page) =>
        File.ReadAllText(Path.Combine(Repository.Root, page)).Split("```csharp\n")[1].Split("```")[0];

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
