using System.IO.Compression;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mono.Cecil;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;

namespace Notify.Tests;

/// <summary>What is published: <c>dotnet pack</c> at the root, and the words that must agree with the code.</summary>
public sealed partial class PackageTests(PackedPackages packages) : IClassFixture<PackedPackages>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Libraries, and the targets that they have besides .NET 10.</summary>
    private static readonly Dictionary<string, string[]> Libraries = new()
    {
        ["Notify.Aspire.Hosting"] = [],
        ["Notify.Client"] = ["net8.0", "netstandard2.0"],
        ["Notify.Client.MessagePack"] = ["net8.0", "netstandard2.0"],
        ["Notify.Contracts"] = ["net8.0", "netstandard2.0"],
        ["Notify.Engine"] = [],
        ["Notify.Server"] = [],
        ["Notify.Storage"] = [],
    };

    [Fact]
    public async Task Packing_at_the_root_makes_the_packages_with_all_their_metadata_and_symbols()
    {
        Assert.DoesNotContain(packages.Output, line => line.Contains("warning", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(
            [.. Libraries.Keys.Append("Notify.Cli").SelectMany(id => new[] { packages.File(id), packages.File(id, "snupkg") })
                .Append(packages.File("Notify.Templates")).Order()],
            Directory.GetFiles(packages.Folder).Order());
        foreach (var id in Libraries.Keys.Append("Notify.Cli").Append("Notify.Templates"))
        {
            await using var package = await ZipFile.OpenReadAsync(packages.File(id), TestContext.Current.CancellationToken);
            var metadata = (await NuspecAsync(package, id)).ToDictionary(element => element.Name.LocalName);
            Assert.Equal((id, PackedPackages.Version, "MIT", "README.md"),
                (metadata["id"].Value, metadata["version"].Value, metadata["license"].Value, metadata["readme"].Value));
            Assert.All(["authors", "description", "tags", "copyright", "repository"], name => Assert.Contains(name, metadata.Keys));
            Assert.NotEqual("Package Description", metadata["description"].Value);
            Assert.Equal("git", metadata["repository"].Attribute("type")?.Value);
            Assert.NotNull(package.GetEntry("README.md"));
        }
    }

    [Fact]
    public async Task A_library_is_packed_for_its_targets_and_with_nothing_that_would_become_part_of_an_app()
    {
        foreach (var (id, others) in Libraries)
        {
            await using var package = await ZipFile.OpenReadAsync(packages.File(id), TestContext.Current.CancellationToken);
            string[] targets = ["net10.0", .. others];
            Assert.Equal( // no settings, no profiles, no runtime configuration
                targets.SelectMany(target => new[] { $"lib/{target}/{id}.dll", $"lib/{target}/{id}.xml" }).Append("README.md").Append($"{id}.nuspec").Order(),
                package.Entries.Select(entry => entry.FullName).Where(name => !name.StartsWith('_') && !name.StartsWith('[') && !name.EndsWith(".psmdcp",
                    StringComparison.Ordinal)).Order());
            await using var symbols = await ZipFile.OpenReadAsync(packages.File(id, "snupkg"), TestContext.Current.CancellationToken);
            Assert.All(targets, target => Assert.NotNull(symbols.GetEntry($"lib/{target}/{id}.pdb")));
            await IsOfThisVersionAndDoesNotTellWhereItWasBuiltAsync(package.GetEntry($"lib/net10.0/{id}.dll")!);
        }
    }

    [Fact]
    public async Task The_parts_of_the_server_come_in_one_version_with_the_framework_that_they_need()
    {
        await using var package = await ZipFile.OpenReadAsync(packages.File("Notify.Server"), TestContext.Current.CancellationToken);
        var elements = (await NuspecAsync(package, "Notify.Server")).SelectMany(element => element.Descendants()).ToList();
        var dependencies = elements.Where(element => element.Name.LocalName == "dependency")
            .ToDictionary(element => element.Attribute("id")!.Value, element => element.Attribute("version")!.Value);
        Assert.Equal(($"[{PackedPackages.Version}]", $"[{PackedPackages.Version}]"), (dependencies["Notify.Engine"], dependencies["Notify.Storage"]));
        Assert.Equal("Microsoft.AspNetCore.App", elements.Single(element => element.Name.LocalName == "frameworkReference").Attribute("name")?.Value);
    }

    /// <summary>The programs of the documentation, in new projects that have no more than the packages.</summary>
    [Fact]
    public async Task New_projects_host_follow_and_publish_with_the_packages_as_the_documentation_prints_it()
    {
        using var fresh = new FreshFolder(packages);
        var port = 0;
        await using var address = new TcpProxy(() => port); // stands in the programs, which are built before the host listens
        string At(string program) => Addresses().Replace(program, $"http://127.0.0.1:{address.Port}");

        // The host is what the template makes; the pages print the same.
        await fresh.DotnetAsync("new", "install", packages.File("Notify.Templates"), "--debug:custom-hive", fresh.File("hive"));
        await fresh.DotnetAsync("new", "notify-host", "-n", "Shop", "--debug:custom-hive", fresh.File("hive"));
        Assert.Equal([fresh.Read("Shop/Program.cs")], FreshFolder.Printed("docs", "embedding.md").Take(1).Union(
            FreshFolder.Printed("Notify.Server", "README.md")));

        fresh.WriteProject("Follower", "Exe", ("Notify.Client", PackedPackages.Version));
        fresh.Write("Follower/Program.cs", At(FreshFolder.Printed("README.md").Union(FreshFolder.Printed("Notify.Client", "README.md"))
            .Single(code => code.Contains("new NotifyClient", StringComparison.Ordinal))));
        fresh.WriteProject("Backend", "Exe", ("Notify.Client", PackedPackages.Version));
        fresh.Write("Backend/Program.cs", At(FreshFolder.Printed("docs", "clients.md").Single(code => code.Contains("new NotifyPublisher",
            StringComparison.Ordinal))));
        WriteExcerpts(fresh);
        fresh.Write("Fresh.slnx", $"""
            <Solution>{string.Concat(new[] { "Shop", "Follower", "Backend", "Excerpts" }.Select(name => $"<Project Path=\"{name}/{name}.csproj\" />"))}</Solution>
            """);
        var built = await fresh.DotnetAsync("build", "Fresh.slnx", "-v", "m", "-nologo");
        Assert.DoesNotContain(built, line => line.Contains(": warning ", StringComparison.Ordinal));

        await using var host = fresh.Start("Shop", "--urls=http://127.0.0.1:0");
        var listening = await host.WaitForLineAsync(line => ListeningOn().IsMatch(line), Limit);
        var url = new Uri(ListeningOn().Match(listening).Groups["url"].Value);
        port = url.Port;
        using var http = new HttpClient { BaseAddress = url };
        await Eventually.TrueAsync(async () => await IsHealthyAsync(http), "the host is healthy");
        await using var follower = fresh.Start("Follower");
        // It has no place yet, and begins where the log is when it comes.
        await Eventually.TrueAsync(async () =>
        {
            await PostAsync(http, "Hello");
            return follower.Lines.Count > 0;
        }, "the follower receives");
        await using (var backend = fresh.Start("Backend"))
        {
            await backend.WaitForExitAsync(Limit);
            Assert.True(backend.ExitCode == 0, string.Join('\n', backend.Lines));
        }

        await PostAsync(http, "Posted");
        await follower.WaitForLineAsync(line => line.EndsWith(" orders/eu/43: Posted", StringComparison.Ordinal), Limit);
        Assert.Equal(["orders/eu/42: Two items, paid", "orders/eu/43: Posted"], follower.Lines.TakeLast(2).Select(line => line[(line.IndexOf(' ') + 1)..]));
    }

    [Fact]
    public void The_guide_names_the_oldest_Postgres_that_is_let_in() => Assert.Contains(
        $"A Postgres ({PostgresSchema.OldestServer} or later)",
        File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md")),
        StringComparison.Ordinal);

    private static async Task PostAsync(HttpClient http, string body)
    {
        using var posted = await http.PostAsJsonAsync(new Uri("/api/v1/notifications", UriKind.Relative), new { topic = "orders/eu/43", body },
            TestContext.Current.CancellationToken);
        posted.EnsureSuccessStatusCode();
    }

    // 503 until it is.
    private static async Task<bool> IsHealthyAsync(HttpClient http)
    {
        using var health = await http.GetAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken);
        return await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken) == "Healthy";
    }

    /// <summary>What is printed as a part of a program, of which the rest is here, is compiled only.</summary>
    private void WriteExcerpts(FreshFolder fresh)
    {
        fresh.WriteProject("Excerpts", "Library", ("Notify.Server", PackedPackages.Version), ("Notify.Client.MessagePack", PackedPackages.Version));
        fresh.Write("Excerpts/Rest.cs", """
            global using Microsoft.AspNetCore.Builder;
            global using Microsoft.Extensions.Configuration;
            global using Microsoft.Extensions.DependencyInjection;
            global using Notify.Client;
            global using Notify.Client.Hosting;
            global using Notify.Contracts;
            global using Notify.Server;

            public sealed record OrderPaid(int Id, decimal Total);

            [System.Text.Json.Serialization.JsonSerializable(typeof(OrderPaid))]
            public sealed partial class ShopJson : System.Text.Json.Serialization.JsonSerializerContext;

            public interface ITokens { Task<string?> GetAsync(); }

            public sealed class OrderMailer(NotifyClient client) : NotificationHandler(client, "orders/#")
            {
                protected override Task HandleAsync(Notification notification, CancellationToken cancellationToken) => Task.CompletedTask;
            }
            """);
        var excerpts = FreshFolder.Printed("README.md").Concat(FreshFolder.Printed("docs", "clients.md"))
            .Concat(FreshFolder.Printed("Notify.Client.MessagePack", "README.md")).Concat(FreshFolder.Printed("Notify.Contracts", "README.md")).ToList();
        Assert.Equal(7, excerpts.Count);
        foreach (var (index, code) in excerpts.Index())
        {
            var lines = code.Split('\n').ToLookup(line => line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';'));
            fresh.Write($"Excerpts/Excerpt{index}.cs", $$"""
                #pragma warning disable CS1998 // some await, some do not
                {{string.Join('\n', lines[true])}}

                internal static class Excerpt{{index}}
                {
                    internal static async Task RunAsync(WebApplicationBuilder builder, ITokens tokens, Func<OrderPaid, CancellationToken, Task> Book)
                    {
                {{string.Join('\n', lines[false]).Replace("…", "var app = builder.Build();", StringComparison.Ordinal)}}
                    }
                }
                """);
        }
    }

    private static async Task<IEnumerable<XElement>> NuspecAsync(ZipArchive package, string id)
    {
        await using var stream = await package.GetEntry($"{id}.nuspec")!.OpenAsync(TestContext.Current.CancellationToken);
        return (await XDocument.LoadAsync(stream, LoadOptions.None, TestContext.Current.CancellationToken)).Root!.Elements().Single().Elements();
    }

    private static async Task IsOfThisVersionAndDoesNotTellWhereItWasBuiltAsync(ZipArchiveEntry entry)
    {
        await using var stream = await entry.OpenAsync(TestContext.Current.CancellationToken);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        Assert.Equal(-1, bytes.ToArray().AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(Repository.Root)));
        bytes.Position = 0;
        using var assembly = AssemblyDefinition.ReadAssembly(bytes);
        Assert.Equal(PackedPackages.Version, assembly.Name.Version.ToString(3));
    }

    [GeneratedRegex(@"https?://(localhost:5080|notify\.example)")]
    private static partial Regex Addresses();

    [GeneratedRegex(@"Now listening on: (?<url>http://\S+)", RegexOptions.ExplicitCapture)]
    private static partial Regex ListeningOn();
}
