using System.CommandLine;
using System.CommandLine.Invocation;
using Notify.Cli.Commands;
using Notify.Client;
using Spectre.Console;

namespace Notify.Cli;

/// <summary>The whole command line.</summary>
internal static class NotifyCommand
{
    public static async Task<int> RunAsync(string[] args, CliConsole console, CancellationToken cancellationToken)
    {
        var parsed = Make(console).Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var error in parsed.Errors) await console.Error.WriteLineAsync(error.Message);
            await console.Error.WriteLineAsync($"See '{CommandPath(parsed)} --help'.");
            return ExitCodes.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = console.Out,
                Error = console.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null
            }, cancellationToken);
        }
        catch (UsageException e)
        {
            Say(console, e.Message);
            return ExitCodes.Usage;
        }
        catch (NotifyException e)
        {
            Say(console, e.Code is null ? e.Message : $"{e.Code}: {e.Message}");
            return ExitCodes.Of(e);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCodes.Interrupted;
        }
    }

    /// <summary>An action with everything a command needs.</summary>
    public static void SetCall(this Command command, CliConsole console, Func<CliCall, CancellationToken, Task<int>> run) =>
        command.SetAction(async (parsed, token) =>
    {
        using var call = new CliCall(parsed, console);
        return await run(call, token);
    });

    private static RootCommand Make(CliConsole console)
    {
        var root = new RootCommand("Publishes to, follows and manages a Notify service.");
        foreach (var option in new Option[] { SharedOptions.Url, SharedOptions.Token, SharedOptions.User, SharedOptions.Device, SharedOptions.Context,
            SharedOptions.Output })
            root.Options.Add(option);
        foreach (var command in new[]
        {
            PublishCommand.Make(console), FollowCommand.Make(console), TailCommand.Make(console), InboxCommands.Make(console), GroupCommands.Make(console),
            KeyCommands.Make(console), TokenCommands.Make(console), ExplainCommand.Make(console), DoctorCommand.Make(console), BenchCommand.Make(console),
            ContextCommands.Make(console), CompletionCommand.Make(console),
        })
        {
            root.Subcommands.Add(command);
        }

        return root;
    }

    private static string CommandPath(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (var command = parsed.CommandResult; command is not null; command = command.Parent as System.CommandLine.Parsing.CommandResult)
            names.Push(command.Command is RootCommand ? "notify" : command.Command.Name);
        return string.Join(" ", names);
    }

    private static void Say(CliConsole console, string text) => console.Ansi(console.Error).MarkupLine($"[red]{Markup.Escape(text)}[/]");
}
