using System.CommandLine;

namespace Notify.Cli.Commands;

/// <summary><c>explain</c>: why a user is in a group, or not.</summary>
internal static class ExplainCommand
{
    public static Command Make(CliConsole console)
    {
        var group = new Argument<string>("group") { Description = "The group's name." };
        var user = new Argument<string>("user") { Description = "The user id." };
        var command = new Command("explain", "Tells whether a user is a member of a group, and by which parts of its rule; for admins.") { group, user };
        command.SetCall(console, async (call, token) =>
        {
            var explanation = await call.Api.Groups.ExplainMemberAsync(call.Get(group), call.Get(user), token);
            if (call.Results.Json)
            {
                call.Results.One(explanation);
                return ExitCodes.Done;
            }

            call.Results.Line(explanation, it =>
                $"{Spectre.Console.Markup.Escape(call.Get(user))} is {(it.Member ? "[green]a member[/]" : "[red]no member[/]")} of " +
                $"{Spectre.Console.Markup.Escape(call.Get(group))}{(it.Pending == true ? ", whose rule is still being worked through" : "")}.");
            if (explanation.Parts is { } parts) call.Results.List(parts, "rule", "value");
            return ExitCodes.Done;
        });
        return command;
    }
}
