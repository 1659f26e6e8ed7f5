using System.Text.RegularExpressions;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>
/// The commands of the documentation, run in their order against a new service, print what stands below them. A <c>…</c>
/// there is for what differs each time; only the address is the test's own.
/// </summary>
public sealed partial class DocumentedCommandsTests
{
    [Theory]
    [InlineData("getting-started", 4)]
    [InlineData("concepts", 3)]
    [InlineData("topics-and-filters", 5)]
    [InlineData("curl", 10)]
    [InlineData("groups", 8)]
    [InlineData("inbox", 1)]
    [InlineData("presence", 2)]
    public async Task Print_what_the_page_says(string page, int commands)
    {
        await using var server = await ServerProcess.StartAsync();
        await RunAsync(server, page, commands);
    }

    /// <summary>Those of pages that do not mind what others have published. What <c>securing</c> does closes the service to callers without a key.</summary>
    [Fact]
    public async Task Print_what_the_pages_say_that_share_a_service()
    {
        await using var server = await ServerProcess.StartAsync();
        foreach (var page in (string[])["operations", "api", "protocol", "clients", "performance", "securing"]) await RunAsync(server, page, 1);
    }

    private static async Task RunAsync(ServerProcess server, string page, int commands)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", page + ".md"), TestContext.Current.CancellationToken);
        var blocks = Block().Matches(text);
        Assert.Equal(commands, blocks.Count);
        using var folder = new TempFolder();
        var environment = new Dictionary<string, string?>
        {
            ["NOTIFY_URL"] = server.Url.GetLeftPart(UriPartial.Authority),
            ["NOTIFY_DLL"] = Repository.ServerDll.Replace("Notify.Server/", "Notify.Cli/", StringComparison.Ordinal)
                .Replace("Notify.Server.dll", "notify.dll", StringComparison.Ordinal),
        };
        foreach (Match block in blocks)
        {
            var command =
                block.Groups["command"].Value.Replace("http://localhost:5080", server.Url.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal);
            string[] arguments = ["-c", "notify() { dotnet \"$NOTIFY_DLL\" \"$@\"; }\n" + command]; // as if it were installed
            var lines = await ChildProcess.RunAsync("bash", arguments, folder.Path, TimeSpan.FromSeconds(30), environment);
            var printed = string.Join('\n', lines).TrimEnd();
            var wanted = "^" + Regex.Escape(block.Groups["printed"].Value.TrimEnd()).Replace("…", ".*?", StringComparison.Ordinal) + "$";
            Assert.True(Regex.IsMatch(printed, wanted, RegexOptions.Singleline),
                $"{command}\n\nprinted\n\n{printed}\n\nand the page has\n\n{block.Groups["printed"].Value}");
        }
    }

    [Fact]
    public void Lead_to_pages_that_exist()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md"))
        {
            foreach (Match link in Link().Matches(File.ReadAllText(file)))
                Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(file)!, link.Groups["target"].Value)),
                    $"{file} leads to {link.Groups["target"].Value}");
        }
    }

    /// <summary>A printed <c>--filter-class</c> that no test has would run nothing, and look well.</summary>
    [Theory]
    [InlineData("CONTRIBUTING.md", 9)]
    [InlineData("docs/api.md", 1)]
    [InlineData("docs/faults.md", 1)]
    [InlineData("docs/notify-js.md", 1)]
    public void Name_tests_that_exist(string page, int filters)
    {
        var known = typeof(DocumentedCommandsTests).Assembly.GetTypes();
        var named = Filter().Matches(File.ReadAllText(Path.Combine(Repository.Root, page)));
        Assert.Equal(filters, named.Count);
        foreach (var groups in named.Select(match => match.Groups))
            Assert.Contains(known, type => (groups["kind"].Value == "class" ? type.FullName : type.Namespace) == groups["name"].Value);
    }

    [GeneratedRegex("--filter-(?<kind>class|namespace) (?<name>[A-Za-z.]+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Filter();

    [GeneratedRegex(@"<!-- run -->\n```sh\n(?<command>.+?)\n```\n\n```\n(?<printed>.+?)\n```", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\]\((?<target>[a-z-]+\.md)\)", RegexOptions.ExplicitCapture)]
    private static partial Regex Link();
}
