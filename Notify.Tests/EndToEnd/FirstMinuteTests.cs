using System.Text.RegularExpressions;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>
/// The README's first minute, run by a shell exactly as it is printed. Only where a command names port 5080 a
/// reserved port stands in its place; server and script are told of theirs by environment variables.
/// </summary>
public partial class FirstMinuteTests
{
    [Fact]
    public async Task The_first_minute_of_the_README_works_as_printed()
    {
        using var port = new ReservedPort();
        using var folder = new TempFolder();
        await using var server = Shell(Command("server"), port, folder);
        await server.WaitForLineAsync(line => line.Contains($"Now listening on: http://localhost:{port}", StringComparison.Ordinal), TimeSpan.FromMinutes(3));

        var follow = Command("follow");
        await using (var follower = Shell(follow, port, folder))
        {
            await follower.WaitForLineAsync(line => line.StartsWith("-- live", StringComparison.Ordinal), TimeSpan.FromMinutes(3));
            await PublishAsync(port, folder);
            await follower.WaitForLineAsync(line => line == "#1 backups: Backup done");
            await follower.KillAsync();
        }

        await PublishAsync(port, folder);
        await PublishAsync(port, folder);
        await using var back = Shell(follow, port, folder);
        await back.WaitForLineAsync(line => line.StartsWith("-- live", StringComparison.Ordinal), TimeSpan.FromMinutes(3));
        Assert.Equal(["#2 backups: Backup done", "#3 backups: Backup done"], back.Lines.Where(line => line.StartsWith('#')));
        await PublishAsync(port, folder);
        await back.WaitForLineAsync(line => line == "#4 backups: Backup done");
    }

    [Fact]
    public void The_commands_name_the_port_that_the_server_listens_on_by_default()
    {
        Assert.Equal("http://localhost:5080", Server.Configuration.ListenAddresses.Default);
        Assert.Contains("http://localhost:5080/", Command("publish"), StringComparison.Ordinal);
    }

    private static async Task PublishAsync(ReservedPort port, TempFolder folder)
    {
        await using var curl = Shell(Command("publish").Replace("localhost:5080", $"localhost:{port}", StringComparison.Ordinal), port, folder);
        await curl.WaitForExitAsync(TimeSpan.FromSeconds(30));
        Assert.Contains(curl.Lines, line => line.Contains("\"version\":", StringComparison.Ordinal));
    }

    private static ChildProcess Shell(string command, ReservedPort port, TempFolder folder) =>
        ChildProcess.Start("bash", ["-c", command], Repository.Root, new Dictionary<string, string?>
        {
            ["Urls"] = $"http://localhost:{port}",
            ["Notify__Storage__SqlitePath"] = folder.File("notify.db"),
            ["NOTIFY_URL"] = $"http://localhost:{port}",
            ["NOTIFY_AT"] = folder.File("at.json"),
            // Without these dotnet run leaves build servers behind.
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["UseSharedCompilation"] = "false",
        });

    private static string Command(string name)
    {
        var readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        var block = CommandBlock().Matches(readme).Single(m => m.Groups["name"].Value == name);
        return block.Groups["command"].Value;
    }

    [GeneratedRegex(@"<!-- first-minute: (?<name>\w+) -->\n```sh\n(?<command>[^\n]+)\n```", RegexOptions.ExplicitCapture)]
    private static partial Regex CommandBlock();
}
