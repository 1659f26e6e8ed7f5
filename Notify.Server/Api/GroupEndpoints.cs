using System.Globalization;
using System.Text.Json;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Directory;
using Notify.Engine.Directory.Rules;
using Notify.Engine.Publishing;
using Notify.Server.Http;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary><c>/groups</c>: administrators make and end groups and change their members. Users join and leave over the hub.</summary>
internal sealed class GroupEndpoints(INotificationLog log, DirectoryWriter writer, RuleWorker worker)
{
    internal static readonly string[] ListParameters = ["prefix", .. PeopleRequest.ListParameters];

    private const int MostMembers = ChangeBatch.MostRows;

    public async Task PutAsync(HttpContext context, Caller caller)
    {
        var refusal = AccessRules.Administer(caller) ?? PeopleRequest.Name(context, "group", "group", out _);
        JsonMembers? members = null;
        if (refusal is null) (members, refusal) = await JsonMembers.ReadAsync(context, mayBeEmpty: true, "rule");
        string? rule = null;
        refusal ??= members!.Text("rule", RuleParser.MostBytes, out rule) ?? Check(rule);
        _ = PeopleRequest.Name(context, "group", "group", out var group);
        if (refusal is null)
        {
            var answer = await writer.MakeAsync(new DirectoryChange.PutGroup(group, rule), context.RequestAborted);
            if (answer is ChangeAnswer.Made made)
            {
                if (rule is not null) worker.Wake();
                await WriteGroupAsync(context, group, made.Outcome.Created ? StatusCodes.Status201Created : StatusCodes.Status200OK);
                return;
            }

            refusal = ((ChangeAnswer.Refused)answer).Refusal;
        }

        await Problem.WriteAsync(context, refusal);
    }

    public async Task GetAsync(HttpContext context, Caller caller)
    {
        if ((AccessRules.SeeAdministration(caller) ?? PeopleRequest.Name(context, "group", "group", out _)) is { } refusal)
            await Problem.WriteAsync(context, refusal);
        else await WriteGroupAsync(context, (string)context.Request.RouteValues["group"]!, StatusCodes.Status200OK);
    }

    public async Task ListAsync(HttpContext context, Caller caller)
    {
        var (limit, after) = (0, (string?)null);
        var prefix = context.Request.Query["prefix"];
        var refusal = AccessRules.SeeAdministration(caller) ?? PeopleRequest.Page(context, out limit, out after);
        if (refusal is null && prefix.Count > 1) refusal = Refusal.Invalid("'prefix' is in the query twice.");
        if (refusal is not null)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var page = await log.Directory.ListGroupsAsync(prefix.ToString(), after, limit, context.RequestAborted);
        await PeopleRequest.WritePageAsync(context, page, Write, page.Count < limit ? null : page[^1].Name);
    }

    public Task DeleteAsync(HttpContext context, Caller caller)
    {
        var refusal = AccessRules.Administer(caller) ?? PeopleRequest.Name(context, "group", "group", out _);
        return ChangeAsync(context, refusal, new DirectoryChange.DeleteGroup(GroupOf(context)));
    }

    public Task PutMemberAsync(HttpContext context, Caller caller)
    {
        var refusal = MemberOf(context, caller, out var user);
        return ChangeAsync(context, refusal, new DirectoryChange.ChangeMembers(GroupOf(context), [user], []));
    }

    public Task DeleteMemberAsync(HttpContext context, Caller caller)
    {
        var refusal = MemberOf(context, caller, out var user);
        return ChangeAsync(context, refusal, new DirectoryChange.ChangeMembers(GroupOf(context), [], [user]));
    }

    public async Task PostMembersAsync(HttpContext context, Caller caller)
    {
        var refusal = AccessRules.Administer(caller) ?? PeopleRequest.Name(context, "group", "group", out _);
        IReadOnlyList<string> add = [], remove = [];
        if (refusal is null)
        {
            (var members, refusal) = await JsonMembers.ReadAsync(context, mayBeEmpty: false, "add", "remove");
            refusal ??= members!.Ids("add", "user", MostMembers, out add) ?? members!.Ids("remove", "user", MostMembers, out remove);
        }

        if (refusal is null && add.Count + remove.Count > MostMembers)
            refusal = Refusal.Invalid($"'add' and 'remove' have together at most {MostMembers} users.");
        if (refusal is null && add.Intersect(remove, StringComparer.Ordinal).FirstOrDefault() is { } both)
            refusal = Refusal.Invalid($"The user '{both}' is in both 'add' and 'remove'.");
        if (refusal is null)
        {
            var answer = await writer.MakeAsync(new DirectoryChange.ChangeMembers(GroupOf(context), add, remove), context.RequestAborted);
            if (answer is ChangeAnswer.Made { Outcome: var outcome })
            {
                await PeopleRequest.WriteAsync(context, StatusCodes.Status200OK, json =>
                {
                    json.WriteStartObject();
                    json.WriteNumber("added"u8, outcome.Added);
                    json.WriteNumber("removed"u8, outcome.Removed);
                    json.WriteNumber("members"u8, outcome.Members);
                    json.WriteEndObject();
                });
                return;
            }

            refusal = ((ChangeAnswer.Refused)answer).Refusal;
        }

        await Problem.WriteAsync(context, refusal);
    }

    public async Task ListMembersAsync(HttpContext context, Caller caller)
    {
        var (limit, after) = (0, 0L);
        var refusal = AccessRules.SeeAdministration(caller) ?? PeopleRequest.Name(context, "group", "group", out _)
            ?? PeopleRequest.Page(context, out limit, out after);
        if (refusal is null)
        {
            if (await log.Directory.FindGroupAsync(GroupOf(context), context.RequestAborted) is { } group)
            {
                var page = await log.Directory.ListMembersAsync(group.Number, after, limit, context.RequestAborted);
                await PeopleRequest.WritePageAsync(
                    context, page.Items, static (json, user) => json.WriteStringValue(user.Name), page.Next?.ToString(CultureInfo.InvariantCulture));
                return;
            }

            refusal = Unknown(GroupOf(context));
        }

        await Problem.WriteAsync(context, refusal);
    }

    private static Refusal? Check(string? rule) =>
        rule is null ? null : RuleParser.TryParse(rule, out _, out var problem) ? null : Refusal.Invalid(problem);

    private async Task WriteGroupAsync(HttpContext context, string name, int status)
    {
        if (await log.Directory.FindGroupAsync(name, context.RequestAborted) is { } group)
            await PeopleRequest.WriteAsync(context, status, json => Write(json, group));
        else await Problem.WriteAsync(context, Unknown(name));
    }

    private async Task ChangeAsync(HttpContext context, Refusal? refusal, DirectoryChange change)
    {
        if (refusal is null && await writer.MakeAsync(change, context.RequestAborted) is ChangeAnswer.Refused refused) refusal = refused.Refusal;
        await (refusal is null ? PeopleRequest.NoContentAsync(context) : Problem.WriteAsync(context, refusal));
    }

    private static Refusal? MemberOf(HttpContext context, Caller caller, out string user)
    {
        user = "";
        return AccessRules.Administer(caller) ?? PeopleRequest.Name(context, "group", "group", out _) ?? PeopleRequest.User(context, caller, out user);
    }

    private static string GroupOf(HttpContext context) => (string)context.Request.RouteValues["group"]!;

    private static Refusal Unknown(string group) => new(ErrorCodes.NotFound, $"There is no group '{group}'.");

    private static void Write(Utf8JsonWriter json, DirectoryGroup group)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, group.Name);
        if (group.Rule is not null) json.WriteString("rule"u8, group.Rule);
        json.WriteNumber("members"u8, group.Members);
        if (group.Pending) json.WriteBoolean("pending"u8, true);
        json.WriteEndObject();
    }
}
