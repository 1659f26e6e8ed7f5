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
    [InlineData("api", 1)]
    public async Task Print_what_the_page_says(string page, int commands)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", page + ".md"), TestContext.Current.CancellationToken);
        var blocks = Block().Matches(text);
        Assert.Equal(commands, blocks.Count);
        using var folder = new TempFolder();
        await using var server = await ServerProcess.StartAsync();
        foreach (Match block in blocks)
        {
            var command =
                block.Groups["command"].Value.Replace("http://localhost:5080", server.Url.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal);
            var lines = await ChildProcess.RunAsync("bash", ["-c", command], folder.Path, TimeSpan.FromSeconds(30));
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

    [GeneratedRegex(@"<!-- run -->\n```sh\n(?<command>.+?)\n```\n\n```\n(?<printed>.+?)\n```", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\]\((?<target>[a-z-]+\.md)\)", RegexOptions.ExplicitCapture)]
    private static partial Regex Link();
}
