using System.CommandLine;
using Notify.Cli.Contexts;
using Notify.Cli.Output;

namespace Notify.Cli.Commands;

/// <summary><c>context</c>: services by name in the configuration file.</summary>
internal static class ContextCommands
{
    public static Command Make(CliConsole console)
    {
        var contexts = new Command("context", "Services by name, kept in the configuration file.");
        Add(contexts, console, new Command("list", "Lists contexts."), (_, results) =>
        {
            var file = ContextFile.Load(console);
            results.List(file.Contexts.Select(one =>
                new Shown(one.Key == file.Current ? true : null, one.Key, one.Value.Url?.AbsoluteUri, one.Value.User, one.Value.Token is null ? "none"
                : "set")), "current", "name", "url", "user", "token");
        });

        var name = new Argument<string>("name") { Description = "The context's name." };
        Add(contexts, console,
            new Command("set", "Makes or changes a context, from --url, --token, --as and --device, and makes it the current one.") { name },
            (parsed, results) =>
        {
            var file = ContextFile.Load(console);
            var known = file.Contexts.GetValueOrDefault(parsed.GetValue(name)!) ?? new CliContext();
            var url = parsed.GetValue(SharedOptions.Url) is { } text
                ? Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address
                    : throw new UsageException($"'{text}' is no http or https address.")
                : known.Url ?? throw new UsageException("A new context needs --url.");
            file.Contexts[parsed.GetValue(name)!] = new CliContext
            {
                Url = url,
                // Another address is another service: the credential of the old one is not for it.
                Token = parsed.GetValue(SharedOptions.Token) ?? (known.Url == url ? known.Token : null),
                User = parsed.GetValue(SharedOptions.User) ?? known.User,
                Device = parsed.GetValue(SharedOptions.Device) ?? known.Device,
            };
            (file with { Current = parsed.GetValue(name) }).Save(console);
            results.Note($"Context '{parsed.GetValue(name)}' is the current one.");
        });
        Add(contexts, console, new Command("use", "Makes a context the current one.") { name }, (parsed, results) =>
        {
            var file = ContextFile.Load(console);
            if (!file.Contexts.ContainsKey(parsed.GetValue(name)!)) throw new UsageException($"There is no context '{parsed.GetValue(name)}'.");
            (file with { Current = parsed.GetValue(name) }).Save(console);
            results.Note($"Context '{parsed.GetValue(name)}' is the current one.");
        });
        Add(contexts, console, new Command("delete", "Forgets a context.") { name }, (parsed, _) =>
        {
            var file = ContextFile.Load(console);
            if (!file.Contexts.Remove(parsed.GetValue(name)!)) throw new UsageException($"There is no context '{parsed.GetValue(name)}'.");
            (file.Current == parsed.GetValue(name) ? file with { Current = null } : file).Save(console);
        });
        return contexts;
    }

    private static void Add(Command parent, CliConsole console, Command command, Action<ParseResult, Results> run)
    {
        command.SetAction(parsed =>
        {
            var form = parsed.GetValue(SharedOptions.Output);
            run(parsed, new Results(console, form == "json" || (form == "auto" && !console.IsTerminal)));
            return ExitCodes.Done;
        });
        parent.Subcommands.Add(command);
    }

    private sealed record Shown(bool? Current, string Name, string? Url, string? User, string Token);
}
