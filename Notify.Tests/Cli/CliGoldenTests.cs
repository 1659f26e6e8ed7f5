using System.Text;
using System.Text.RegularExpressions;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Cli;

/// <summary>
/// Every command against a service, as a person and as a program sees it, compared with the files in <c>Golden/</c>. With
/// NOTIFY_GOLDEN=write the files are written anew, for review.
/// </summary>
public sealed partial class CliGoldenTests(ServerFixture fixture) : IClassFixture<ServerFixture>, IDisposable
{
    private static readonly string[][] Commands =
    [
        ["publish", "orders/eu/42", "Two items, paid", "--title", "Order 42", "--data", """{"total":31.5}""", "--priority", "high", "--tag", "eu", "--link", "https://shop.example/orders/42", "--type", "order.created", "--ttl", "86400"],
        ["publish", "--user", "alice", "Your export is ready", "--title", "Export"],
        ["publish", "backups", "-"],
        ["publish", "live", "now", "--ephemeral"],
        ["publish", "orders/+", "to a filter"],
        ["publish", "a", "--data", "{"],
        ["publish", "--priority", "loud", "a", "b"],
        ["follow", "orders/#", "--since", "0", "--count", "1"],
        ["follow", "a/#/b"],
        ["tail", "orders/#"],
        ["inbox", "--user", "alice"],
        ["inbox", "--as", "alice", "--state", "archived"],
        ["inbox", "summary", "--as", "alice"],
        ["inbox", "read", "--as", "alice", "--all"],
        ["inbox", "unread", "--as", "alice", "2"],
        ["inbox", "archive", "--as", "alice"],
        ["groups", "put", "ops"],
        ["groups", "put", "nights", "--rule", "@.shift == 'night'"],
        ["groups", "add", "ops", "alice", "bob"],
        ["groups", "list"],
        ["groups", "get", "ops"],
        ["groups", "members", "ops"],
        ["groups", "remove", "ops", "bob"],
        ["groups", "get", "nobody"],
        ["explain", "ops", "alice"],
        ["explain", "nights", "alice"],
        ["token", "--as", "alice"],
        ["token", "create", "--user", "alice", "--subscribe", "orders/#", "--for", "30m"],
        ["token", "decode", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6MTkwMDAwMDAwMH0.x"],
        ["token", "decode", "x"],
        ["context", "set", "prod", "--url", "https://notify.example", "--token", "ntf_secret"],
        ["context", "list"],
        ["context", "use", "nowhere"],
        ["doctor", "--as", "alice", "--origin", "http://localhost:3000"],
        ["doctor", "--url", "http://127.0.0.1:1"],
        ["bench", "--count", "20", "--publishers", "2"],
        ["completion", "bash"],
        ["completion", "zsh"],
        ["[suggest:9]", "notify gr"],
        ["groups", "delete", "nights"],
        ["keys", "create", "billing", "--publish", "orders/#", "--expires", "90d"],
        ["publish", "a"],
        ["--help"],
        ["nonsense"],
    ];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_command_prints_what_it_printed_when_it_was_reviewed()
    {
        var run = new CliRun(fixture.Url, _folder.Path);
        var forms = new (string Name, StringBuilder Text, bool Terminal, bool Colours)[] { ("table", new(), true, false), ("json", new(), false, false),
            ("colours", new(), true, true) };
        foreach (var args in Commands)
        {
            foreach (var (name, text, terminal, colours) in forms)
            {
                if (colours && args[0] is not ("follow" or "doctor" or "groups")) continue;
                var (code, printed, said) = await run.RunAsync(args, terminal, colours, "from standard input");
                if (args[0] == "follow" && code == 0) said = ""; // whether it was live before it ended
                if (args[0] == "bench") printed = Figures().Replace(printed, "${before}0");
                text.Append("$ notify ").AppendJoin(' ', args.Select(Quoted)).Append('\n');
                if (printed.Length > 0) text.Append(printed).Append('\n');
                if (said.Length > 0) text.Append(string.Join('\n', said.Split('\n').Select(line => "! " + line))).Append('\n');
                text.Append($"[{code}]\n\n");
            }
        }

        foreach (var (name, text, _, _) in forms)
        {
            var path = Path.Combine(Repository.Root, "Notify.Tests", "Cli", "Golden", name + ".txt");
            if (Environment.GetEnvironmentVariable("NOTIFY_GOLDEN") == "write")
                await File.WriteAllTextAsync(path, text.ToString(), TestContext.Current.CancellationToken);
            Assert.Equal(await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken), text.ToString());
        }
    }

    [Fact]
    public async Task A_credential_of_a_context_is_not_sent_to_another_address_and_its_file_is_its_owners_alone()
    {
        var run = new CliRun(fixture.Url, _folder.Path);
        Assert.Equal(0, (await run.RunAsync(["context", "set", "prod", "--url", "http://127.0.0.1:1", "--token", "ntf_secret", "--as", "alice"])).ExitCode);
        // NOTIFY_URL names the test's service, to which the credential of the context is not sent.
        Assert.Contains("There is no token.", (await run.RunAsync(["token", "decode"])).Said, StringComparison.Ordinal);
        Assert.Contains("That is no JWT.", (await run.RunAsync(["token", "decode"], context: "prod")).Said, StringComparison.Ordinal);
        Assert.Equal(3, (await run.RunAsync(["token"], context: "prod")).ExitCode);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.File("config.json")));
        await File.WriteAllTextAsync(_folder.File("config.json"), "{", TestContext.Current.CancellationToken);
        Assert.Equal(2, (await run.RunAsync(["token"])).ExitCode);
    }

    private static string Quoted(string word) => Plain().IsMatch(word) ? word : $"'{word}'";

    [GeneratedRegex(@"^[\w:/.@=,-]+$")]
    private static partial Regex Plain();

    [GeneratedRegex(@"(?<before>(perSecond|Ms\d\d)""?:? *)[\d.E+-]+", RegexOptions.ExplicitCapture)]
    private static partial Regex Figures();
}
