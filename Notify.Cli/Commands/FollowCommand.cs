using System.CommandLine;
using Notify.Client;
using Notify.Contracts;
using Spectre.Console;

namespace Notify.Cli.Commands;

/// <summary><c>follow</c>: what is published from now on, or since a version, through every reconnect.</summary>
internal static class FollowCommand
{
    public static Command Make(CliConsole console)
    {
        var filters =
            new Argument<string[]>("filters")
            {
                Description = "Topic filters, such as 'orders/#'; none: what is the user's own.",
                Arity = ArgumentArity.ZeroOrMore
            };
        Option<long?> since = new("--since") { Description = "Begin after this version; 0: with everything kept. Default: from now." };
        Option<int?> count = new("--count", "-n") { Description = "End after so many." };
        var command = new Command("follow", "Follows topics until Ctrl+C.") { filters, since, count };
        command.SetCall(console, async (call, token) =>
        {
            var store = await StartAsync(call, call.Get(since), token);
            await using var client = new NotifyClient(call.ClientOptions with { Topics = call.Get(filters), CursorStore = store });
            client.StateChanged += state => ShowState(call, state);
            client.GapFound += gap => call.Results.Note($"Gap ({gap.Reason}): what follows starts at version {gap.Oldest}.");
            await client.StartAsync(token);
            var left = call.Get(count) ?? int.MaxValue;
            if (left <= 0) return ExitCodes.Done;
            await foreach (var notification in client.Notifications.WithCancellation(token))
            {
                call.Results.Line(notification, Markup);
                if (--left == 0) break;
            }

            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>A line for a person.</summary>
    public static string Markup(Notification notification)
    {
        var colour = notification.Priority switch { Priorities.Urgent => "red", Priorities.High => "yellow", Priorities.Low => "grey", _ => "default" };
        var text = string.Join(" · ",
            new[] { notification.Title, notification.Body, notification.Data?.GetRawText() }.Where(part => !string.IsNullOrEmpty(part)));
        return $"[grey]{notification.PublishedAt:HH:mm:ss}[/] [blue]{(notification.Version is { } version ? "#" + version : "live")}[/] "
            + $"[green]{Spectre.Console.Markup.Escape(notification.Topic)}[/] [{colour}]{Spectre.Console.Markup.Escape(text.ReplaceLineEndings(" "))}[/]";
    }

    // A place has an epoch: without it a version of another epoch would be taken for one of this.
    private static async Task<ICursorStore?> StartAsync(CliCall call, long? since, CancellationToken cancellationToken) =>
        since is { } version
            ? new MemoryCursorStore(new Cursor(version, (await call.Api.ListAsync(since: version, limit: 1, cancellationToken: cancellationToken)).Epoch))
            : null;

    private static void ShowState(CliCall call, NotifyClientState state)
    {
        if (state is NotifyClientState.Retrying retrying) call.Results.Note($"{retrying.Why.Message} Attempt {retrying.Attempt + 1} follows.");
        else if (state is NotifyClientState.Live) call.Results.Note("Live.");
    }
}
