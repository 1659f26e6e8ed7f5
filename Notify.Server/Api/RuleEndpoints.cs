using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Directory.Rules;
using Notify.Engine.Publishing;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary>What a rule would make, before it is a group's; and why a user is or is not a member.</summary>
internal sealed class RuleEndpoints(INotificationLog log)
{
    private const int Slice = 20_000;
    private const int MostExamples = 10;

    /// <summary>Tries a rule without changing anything. The group need not be there.</summary>
    public async Task PreviewAsync(HttpContext context, Caller caller)
    {
        var refusal = AccessRules.Administer(caller) ?? PeopleRequest.Name(context, "group", "group", out _);
        Rule? rule = null;
        if (refusal is null)
        {
            (var members, refusal) = await JsonMembers.ReadAsync(context, mayBeEmpty: false, "rule");
            string? text = null;
            refusal ??= members!.Text("rule", RuleParser.MostBytes, out text);
            if (refusal is null && !RuleParser.TryParse(text ?? "", out rule!, out var problem)) refusal = Refusal.Invalid(problem);
        }

        if (refusal is not null)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var (test, count, examples) = (RuleTests.Of(rule!), 0L, new List<string>());
        for (long? after = 0; after is { } from;)
        {
            var part = await log.Directory.Rules.PreviewAsync(test, from, Slice, MostExamples - examples.Count, context.RequestAborted);
            count += part.Members;
            examples.AddRange(part.Examples);
            after = part.Next;
        }

        await PeopleRequest.WriteAsync(context, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("members"u8, count);
            json.WriteStartArray("examples"u8);
            foreach (var name in examples) json.WriteStringValue(name);
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary>Whether a user is a member, and by which parts of the rule.</summary>
    public async Task ExplainAsync(HttpContext context, Caller caller)
    {
        var user = "";
        var refusal = AccessRules.SeeAdministration(caller) ?? PeopleRequest.Name(context, "group", "group", out _)
            ?? PeopleRequest.User(context, caller, out user);
        var name = (string)context.Request.RouteValues["group"]!;
        var group = refusal is null ? await log.Directory.FindGroupAsync(name, context.RequestAborted) : null;
        if (group is null)
        {
            await Problem.WriteAsync(context, refusal ?? new Refusal(ErrorCodes.NotFound, $"There is no group '{name}'."));
            return;
        }

        var (attributes, isMember) = ((string?)null, false);
        if (await log.Directory.FindUsersAsync([user], context.RequestAborted) is [var known])
        {
            attributes = (await log.Directory.ReadAttributesAsync([user], context.RequestAborted)).Users[0].Json;
            isMember = (await log.Directory.FindMembersAsync(group.Number, [known.Number], context.RequestAborted)).Users.Count > 0;
        }

        await PeopleRequest.WriteAsync(context, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            json.WriteBoolean("member"u8, isMember);
            if (group.Rule is not null)
            {
                json.WriteString("rule"u8, group.Rule);
                json.WriteStartArray("parts"u8);
                foreach (var (part, value) in RuleExplanation.Of(group.Rule, attributes))
                {
                    json.WriteStartObject();
                    json.WriteString("rule"u8, part);
                    json.WriteString("value"u8, value switch { true => "true", false => "false", null => "unknown" });
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                if (group.Pending) json.WriteBoolean("pending"u8, true);
            }

            json.WriteEndObject();
        });
    }
}
