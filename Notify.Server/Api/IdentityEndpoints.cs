using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Directory;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary>The caller's identity (<c>GET /users/me</c>), and ending what a user has open: connections, and tokens issued so far.</summary>
internal sealed class IdentityEndpoints(INotificationLog log, AppliedChanges changes)
{
    public async Task MeAsync(HttpContext context, Caller caller)
    {
        if (AccessRules.AskForOneself(caller) is { } refusal)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var groups = caller.User is { } user ? await log.Directory.ListAllGroupsOfAsync(user, context.RequestAborted) : [];
        await PeopleRequest.WriteAsync(context, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            if (caller.User is not null) json.WriteString("user"u8, caller.User);
            if (caller.Device is not null) json.WriteString("device"u8, caller.Device);
            json.WriteBoolean("admin"u8, caller.Grants.Admin);
            PeopleRequest.WriteTexts(json, "publish", caller.Grants.Publish.Select(filter => filter.Text));
            PeopleRequest.WriteTexts(json, "subscribe", caller.Grants.Subscribe.Select(filter => filter.Text));
            PeopleRequest.WriteTexts(json, "join", caller.Grants.Admin ? [Grants.AnyGroup] : caller.Grants.Join);
            PeopleRequest.WriteTexts(json, "groups", groups);
            PeopleRequest.WriteTexts(json, "tokenGroups", caller.Grants.Groups);
            json.WriteEndObject();
        });
    }

    public async Task DisconnectAsync(HttpContext context, Caller caller)
    {
        var refusal = PeopleRequest.User(context, caller, out var user) ?? AccessRules.ChangeUser(caller, user);
        if (refusal is null) (_, refusal) = await JsonMembers.ReadAsync(context, mayBeEmpty: true);
        await AnswerAsync(context, refusal, new DirectoryChange.Disconnect(user));
    }

    public async Task RevokeAsync(HttpContext context, Caller caller)
    {
        var refusal = PeopleRequest.User(context, caller, out var user) ?? AccessRules.ChangeUser(caller, user);
        DateTimeOffset? issuedBefore = null;
        if (refusal is null)
        {
            (var members, refusal) = await JsonMembers.ReadAsync(context, mayBeEmpty: true, "issuedBefore");
            refusal ??= members!.Time("issuedBefore", out issuedBefore);
        }

        await AnswerAsync(context, refusal, new DirectoryChange.RevokeTokens(user, issuedBefore));
    }

    private async Task AnswerAsync(HttpContext context, Refusal? refusal, DirectoryChange change)
    {
        refusal ??= await changes.MakeAsync(change, context.RequestAborted);
        await (refusal is null ? PeopleRequest.NoContentAsync(context) : Problem.WriteAsync(context, refusal));
    }
}
