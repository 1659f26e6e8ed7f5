using System.Text.Json;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Directory.Attributes;
using Notify.Engine.Publishing;
using Notify.Server.Security;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary><c>/users/{user}/attributes</c>: what administrators say of a user, and what the user says of itself.</summary>
internal sealed class AttributeEndpoints(INotificationLog log, AttributeChanges changes, AttributeRate rate)
{
    private const int MostBytes = 64 * 1024;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = StrictJson.MaxDepth };

    public async Task GetAsync(HttpContext context, Caller caller)
    {
        if ((PeopleRequest.User(context, caller, out var user) ?? AccessRules.SeeAdministration(caller)) is { } refusal)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        // A user that was never mentioned has none, and is not made by being asked about.
        var known = (await log.Directory.FindUsersAsync([user], context.RequestAborted)).Count > 0;
        var json = known ? (await log.Directory.ReadAttributesAsync([user], context.RequestAborted)).Users[0].Json : null;
        await WriteAsync(context, AttributePatch.Shown(json, AttributesPart.Others));
    }

    public Task PatchAsync(HttpContext context, Caller caller) =>
        PatchAsync(context, PeopleRequest.User(context, caller, out var user) ?? AccessRules.Administer(caller), user, AttributesPart.Others);

    public Task PatchSelfAsync(HttpContext context, Caller caller)
    {
        var refusal = PeopleRequest.User(context, caller, out var user) ?? AccessRules.ChangeUser(caller, user);
        return PatchAsync(context, refusal ?? (caller.User == user ? rate.Check(caller) : null), user, AttributesPart.Self);
    }

    private async Task PatchAsync(HttpContext context, Refusal? refusal, string user, AttributesPart part)
    {
        JsonElement patch = default, shown = default;
        if (refusal is null) (patch, refusal) = await ReadAsync(context);
        if (refusal is null) (shown, refusal) = await changes.PatchAsync(user, patch, part, context.RequestAborted);
        await (refusal is null ? WriteAsync(context, shown) : Problem.WriteAsync(context, refusal));
    }

    private static async Task<(JsonElement, Refusal?)> ReadAsync(HttpContext context)
    {
        using var body = await RequestBody.ReadAsync(context, MostBytes);
        if (body.Refusal is { } unread) return (default, unread);
        if (MediaTypes.RequireMergePatch(context.Request) is { } badType) return (default, badType);
        try
        {
            using var document = JsonDocument.Parse(body.Bytes, Options);
            return (document.RootElement.Clone(), null);
        }
        catch (JsonException malformed)
        {
            return (default, StrictJson.Malformed(malformed));
        }
    }

    private static Task WriteAsync(HttpContext context, JsonElement attributes) =>
        PeopleRequest.WriteAsync(context, StatusCodes.Status200OK, attributes.WriteTo);
}
