using System.CommandLine;
using Notify.Contracts.People;

namespace Notify.Cli.Commands;

/// <summary><c>groups</c>: groups and their members.</summary>
internal static class GroupCommands
{
    public static Command Make(CliConsole console)
    {
        var groups = new Command("groups", "Groups and their members; for admins.");
        var prefix = new Option<string?>("--prefix") { Description = "Whose names begin so." };
        Add(groups, console, new Command("list", "Lists groups.") { prefix }, async (call, token) =>
            call.Results.List(await call.Api.Groups.ListAsync(call.Get(prefix), token).ToListAsync(token), "name", "members", "rule", "pending"));

        var name = new Argument<string>("group") { Description = "The group's name." };
        var rule = new Option<string?>("--rule") { Description = "Who satisfies it is a member, such as '@.team == \"ops\"'; without: a static group." };
        Add(groups, console, new Command("put", "Makes a group or changes its rule.") { name, rule }, async (call, token) =>
            call.Results.One(await call.Api.Groups.PutAsync(call.Get(name), call.Get(rule), token)));
        Add(groups, console, new Command("get", "Shows a group.") { name }, async (call, token) =>
            call.Results.One(await call.Api.Groups.GetAsync(call.Get(name), token)));
        Add(groups, console, new Command("delete", "Ends a group and all its memberships.") { name }, async (call, token) =>
            await call.Api.Groups.DeleteAsync(call.Get(name), token));
        Add(groups, console, new Command("members", "Lists the members of a group.") { name }, async (call, token) =>
            call.Results.List((await call.Api.Groups.ListMembersAsync(call.Get(name), token).ToListAsync(token)).Select(user => new Member(user)), "user"));

        var users = new Argument<string[]>("users") { Description = "User ids.", Arity = ArgumentArity.OneOrMore };
        Add(groups, console, new Command("add", "Adds members to a static group.") { name, users }, async (call, token) =>
            call.Results.One(await call.Api.Groups.ChangeMembersAsync(call.Get(name), new ChangeMembers { Add = call.Get(users) }, token)));
        Add(groups, console, new Command("remove", "Removes members from a static group.") { name, users }, async (call, token) =>
            call.Results.One(await call.Api.Groups.ChangeMembersAsync(call.Get(name), new ChangeMembers { Remove = call.Get(users) }, token)));
        return groups;
    }

    internal static void Add(Command parent, CliConsole console, Command command, Func<CliCall, CancellationToken, Task> run)
    {
        command.SetCall(console, async (call, token) =>
        {
            await run(call, token);
            return ExitCodes.Done;
        });
        parent.Subcommands.Add(command);
    }

    private sealed record Member(string User);
}
