using System.CommandLine;
using Notify.Client;
using Notify.Contracts.People;

namespace Notify.Cli.Commands;

/// <summary><c>inbox</c>: what came to a user, the counts, and marks.</summary>
internal static class InboxCommands
{
    public static Command Make(CliConsole console)
    {
        Option<string> user = new("--user") { Description = "Whose; default: the caller's own.", DefaultValueFactory = _ => "me", Recursive = true };
        Option<string> state = new("--state") { Description = "all (what is not archived), unread or archived.", DefaultValueFactory = _ => "all" };
        state.AcceptOnlyFromAmong("all", "unread", "archived");
        Option<string?> filter = new("--filter") { Description = "Only topics that it matches.", Recursive = true };
        Option<int> limit = new("--limit") { Description = "How many, at most 1000.", DefaultValueFactory = _ => 20 };
        Option<long?> before = new("--before") { Description = "Older than this version." };
        var inbox = new Command("inbox", "Lists what came to a user, newest first.") { user, filter, state, limit, before };
        inbox.SetCall(console, async (call, token) =>
        {
            var page = await call.Api.User(call.Get(user)!).ListInboxAsync(call.Get(state), call.Get(filter), call.Get(before), call.Get(limit), token);
            call.Results.List(page.Items, "notification.version", "notification.topic", "notification.title", "notification.body", "readAt");
            call.Results.Note($"{page.Summary.Unread} unread, {page.Summary.Unseen} unseen{(page.Next is { } next ? $"; more: --before {next}" : "")}");
            return ExitCodes.Done;
        });

        var summary = new Command("summary", "Counts what is unread and unseen.");
        summary.SetCall(console, async (call, token) =>
        {
            call.Results.One(await call.Api.User(call.Get(user)!).GetInboxSummaryAsync(call.Get(filter) is { } one ? [one] : null, token));
            return ExitCodes.Done;
        });
        inbox.Subcommands.Add(summary);

        foreach (var (marking, byVersionOnly) in new[] { (InboxMarking.Read, false), (InboxMarking.Unread, true), (InboxMarking.Seen, false),
            (InboxMarking.Archive, false), (InboxMarking.Unarchive, true) })
            inbox.Subcommands.Add(Mark(console, marking, byVersionOnly, user, filter));
        return inbox;
    }

    private static Command Mark(CliConsole console, InboxMarking marking, bool byVersionOnly, Option<string> user, Option<string?> filter)
    {
        var versions = new Argument<long[]>("versions") { Description = "Versions of items.", Arity = ArgumentArity.ZeroOrMore };
        Option<long?> upTo = new("--up-to") { Description = "Everything up to this version." };
        Option<bool> all = new("--all") { Description = "Everything." };
        var name = marking.ToString().ToLowerInvariant();
        var command = new Command(name, $"Marks items: {name}.") { versions };
        if (!byVersionOnly)
        {
            command.Options.Add(upTo);
            command.Options.Add(all);
        }

        command.SetCall(console, async (call, token) =>
        {
            var end = byVersionOnly ? null : call.Get(all) ? (1L << 53) - 1 : call.Get(upTo);
            var list = call.Get(versions);
            if (list.Length == 0 == (end is null)) throw new UsageException(byVersionOnly ? "Name versions." : "Name versions, --up-to or --all.");
            var mark = new InboxMark { Versions = end is null ? list : null, UpTo = end, Filter = call.Get(filter) };
            call.Results.One(await call.Api.User(call.Get(user)!).MarkAsync(marking, mark, token));
            return ExitCodes.Done;
        });
        return command;
    }
}
