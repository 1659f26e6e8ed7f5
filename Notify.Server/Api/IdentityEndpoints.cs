using System.Buffers;
using System.Text.Json;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Directory;
using Notify.Engine.Publishing;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary>The caller's identity (<c>GET /users/me</c>), and ending what a user has open: connections, and tokens issued so far.</summary>
internal sealed class IdentityEndpoints(INotificationLog log, DirectoryChanges changes)
{
    private const int MostGroups = 1000;

    private static readonly Refusal BadUser = new(ErrorCodes.InvalidRequest, "A user has no '/', '+' or '#'.");

    public async Task MeAsync(HttpContext context, Caller caller)
    {
        if (AccessRules.AskForOneself(caller) is { } refusal)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var groups = caller.User is { } user ? await GroupsAsync(user, context.RequestAborted) : [];
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, JsonWriting.Options))
        {
            writer.WriteStartObject();
            if (caller.User is not null) writer.WriteString("user"u8, caller.User);
            if (caller.Device is not null) writer.WriteString("device"u8, caller.Device);
            writer.WriteBoolean("admin"u8, caller.Grants.Admin);
            KeyEndpoints.WriteTexts(writer, "publish", caller.Grants.Publish.Select(filter => filter.Text));
            KeyEndpoints.WriteTexts(writer, "subscribe", caller.Grants.Subscribe.Select(filter => filter.Text));
            KeyEndpoints.WriteTexts(writer, "join", caller.Grants.Admin ? [Grants.AnyGroup] : caller.Grants.Join);
            KeyEndpoints.WriteTexts(writer, "groups", groups);
            KeyEndpoints.WriteTexts(writer, "tokenGroups", caller.Grants.Groups);
            writer.WriteEndObject();
        }

        await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, json.WrittenMemory);
    }

    public async Task DisconnectAsync(HttpContext context, Caller caller)
    {
        var refusal = UserOf(context, caller, out var user) ?? AccessRules.ChangeUser(caller, user);
        if (refusal is null) (_, refusal) = await JsonMembers.ReadAsync(context, mayBeEmpty: true);
        await AnswerAsync(context, refusal, new DirectoryChange.Disconnect(user));
    }

    public async Task RevokeAsync(HttpContext context, Caller caller)
    {
        var refusal = UserOf(context, caller, out var user) ?? AccessRules.ChangeUser(caller, user);
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
        if (refusal is null)
        {
            await changes.ChangeAsync(change);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        await Problem.WriteAsync(context, refusal);
    }

    // The server's own decoding keeps %2F, which no id has either way.
    private static Refusal? UserOf(HttpContext context, Caller caller, out string user)
    {
        user = (string)context.Request.RouteValues["user"]!;
        return user.Contains("%2F", StringComparison.OrdinalIgnoreCase) ? BadUser : AccessRules.UserOf(caller, user, out user);
    }

    private async Task<IReadOnlyList<string>> GroupsAsync(string user, CancellationToken cancellationToken)
    {
        try
        {
            return await log.Directory.ListGroupsOfAsync(user, null, MostGroups, cancellationToken);
        }
        catch (NotSupportedException)
        {
            return []; // a log without a directory
        }
    }
}
