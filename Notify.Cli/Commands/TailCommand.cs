using System.CommandLine;
using Notify.Client;

namespace Notify.Cli.Commands;

/// <summary><c>tail</c>: what is stored, as JSON lines, up to the head: a copy of the log, or a part of it.</summary>
internal static class TailCommand
{
    public static Command Make(CliConsole console)
    {
        var filters =
            new Argument<string[]>("filters") { Description = "Topic filters; none: everything that the caller may see.", Arity = ArgumentArity.ZeroOrMore };
        Option<long> since = new("--since") { Description = "Begin after this version. Default: 0, everything kept." };
        Option<bool> follow = new("--follow", "-f") { Description = "Go on with what is published, until Ctrl+C." };
        var command = new Command("tail", "Writes the stored notifications as JSON lines.") { filters, since, follow };
        command.SetCall(console, async (call, token) =>
        {
            var results = new Output.Results(call.Console, json: true);
            var names = call.Get(filters);
            var at = call.Get(since);
            string epoch;
            while (true)
            {
                var page = await call.Api.ListAsync(names.Length == 0 ? null : names, at, 1000, token);
                if (page.Gap is { } gap) await call.Console.Error.WriteLineAsync($"Gap ({gap.Reason}): what follows starts at version {gap.Oldest}.");
                foreach (var notification in page.Items) results.One(notification);
                (at, epoch) = (page.Next ?? page.Head, page.Epoch);
                if (at >= page.Head) break;
            }

            if (!call.Get(follow)) return ExitCodes.Done;
            await using var client =
                new NotifyClient(call.ClientOptions with
                {
                    Topics = names.Length == 0 ? ["#"] : names,
                    CursorStore = new MemoryCursorStore(new Cursor(at, epoch))
                });
            await client.StartAsync(token);
            await foreach (var notification in client.Notifications.WithCancellation(token)) results.One(notification);
            return ExitCodes.Done;
        });
        return command;
    }
}
