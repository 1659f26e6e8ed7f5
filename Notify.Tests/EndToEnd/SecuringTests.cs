using System.Text.RegularExpressions;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>The README's section on securing the service, run by one shell exactly as it is printed, but for the port.</summary>
public partial class SecuringTests
{
    [Fact]
    public async Task The_section_of_the_README_works_as_printed()
    {
        using var port = new ReservedPort();
        using var folder = new TempFolder();
        string[] script =
        [
            Block("credentials"), Block("server"),
            $"until curl -sf http://localhost:{port}/health/ready > /dev/null; do read -t 0.2 <> <(:) || :; done",
            .. Block("try").Replace("localhost:5080", $"localhost:{port}", StringComparison.Ordinal).Split('\n').SelectMany(line => new[] { line, "echo" }),
            "echo done; wait",
        ];
        await using var shell = ChildProcess.Start("bash", ["-c", string.Join('\n', script)], Repository.Root, new Dictionary<string, string?>
        {
            ["Urls"] = $"http://localhost:{port}",
            ["Notify__Storage__SqlitePath"] = folder.File("notify.db"),
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["UseSharedCompilation"] = "false",
        });
        await shell.WaitForLineAsync(line => line == "done", TimeSpan.FromMinutes(5));
        Assert.Contains(shell.Lines, line => line.Contains("\"version\":2", StringComparison.Ordinal)); // making the key is version 1
        Assert.Contains(shell.Lines, line => line.Contains("\"publisher\":\"billing\"", StringComparison.Ordinal));
        Assert.Contains(shell.Lines, line =>
            line.Contains("\"user\":\"alice\"", StringComparison.Ordinal) && line.Contains("\"subscribe\":[\"orders/#\"]", StringComparison.Ordinal));
        Assert.DoesNotContain(shell.Lines, line => line.Contains("ntf_", StringComparison.Ordinal));
    }

    private static string Block(string name)
    {
        var readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        return CommandBlock().Matches(readme).Single(match => match.Groups["name"].Value == name).Groups["commands"].Value;
    }

    [GeneratedRegex(@"<!-- securing: (?<name>\w+) -->\n```sh\n(?<commands>[^`]+)\n```", RegexOptions.ExplicitCapture)]
    private static partial Regex CommandBlock();
}
