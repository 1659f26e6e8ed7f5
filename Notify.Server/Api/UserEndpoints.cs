using Notify.Contracts.Wire;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Directory;
using Notify.Server.Http;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary><c>/users/{user}</c>: groups, durable subscriptions and devices, the user's own or for an administrator.</summary>
internal sealed class UserEndpoints(INotificationLog log, DirectoryWriter writer, FilterReader filters)
{
    public async Task ListGroupsAsync(HttpContext context, Caller caller)
    {
        var (limit, after) = (0, (string?)null);
        if ((PeopleRequest.User(context, caller, out var user) ?? AccessRules.SeeUser(caller, user)
            ?? PeopleRequest.Page(context, out limit, out after)) is { } refusal)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var page = await log.Directory.ListGroupsOfAsync(user, after, limit, context.RequestAborted);
        await PeopleRequest.WritePageAsync(context, page, static (json, name) => json.WriteStringValue(name), page.Count < limit ? null : page[^1]);
    }

    public async Task GetSubscriptionsAsync(HttpContext context, Caller caller)
    {
        if ((PeopleRequest.User(context, caller, out var user) ?? AccessRules.SeeUser(caller, user)) is { } refusal) await Problem.WriteAsync(context, refusal);
        else await WriteSubscriptionsAsync(context, user);
    }

    public Task SubscribeAsync(HttpContext context, Caller caller) => ChangeSubscriptionsAsync(context, caller, adds: true);

    public Task UnsubscribeAsync(HttpContext context, Caller caller) => ChangeSubscriptionsAsync(context, caller, adds: false);

    public async Task ListDevicesAsync(HttpContext context, Caller caller)
    {
        var (limit, after) = (0, (string?)null);
        if ((PeopleRequest.User(context, caller, out var user) ?? AccessRules.SeeUser(caller, user)
            ?? PeopleRequest.Page(context, out limit, out after)) is { } refusal)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var page = await log.Directory.ListDevicesAsync(user, after, limit, context.RequestAborted);
        await PeopleRequest.WritePageAsync(
            context,
            page,
            static (json, device) =>
            {
                json.WriteStartObject();
                json.WriteString("device"u8, device.Device);
                json.WriteNumber("version"u8, device.Version);
                json.WriteString("seenAt"u8, Rfc3339Converter.ToText(device.SeenAt));
                json.WriteEndObject();
            },
            page.Count < limit ? null : page[^1].Device);
    }

    public async Task ForgetDeviceAsync(HttpContext context, Caller caller)
    {
        var device = "";
        if ((PeopleRequest.User(context, caller, out var user) ?? AccessRules.ChangeUser(caller, user)
            ?? PeopleRequest.Name(context, "device", "device", out device)) is { } refusal)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        await log.Directory.ForgetDeviceAsync(user, device, context.RequestAborted);
        await PeopleRequest.NoContentAsync(context);
    }

    private async Task ChangeSubscriptionsAsync(HttpContext context, Caller caller, bool adds)
    {
        var refusal = PeopleRequest.User(context, caller, out var user) ?? AccessRules.ChangeUser(caller, user);
        IReadOnlyList<string> topics = [];
        if (refusal is null)
        {
            (var members, refusal) = await JsonMembers.ReadAsync(context, mayBeEmpty: false, "topics");
            refusal ??= members!.Texts("topics", out topics);
        }

        refusal ??= filters.Read(topics, out var read) ?? (adds ? AccessRules.Follow(caller, read) : null);
        if (refusal is null)
        {
            DirectoryChange change = adds ? new DirectoryChange.Subscribe(user, topics) : new DirectoryChange.Unsubscribe(user, topics);
            if (await writer.MakeAsync(change, context.RequestAborted) is ChangeAnswer.Refused refused) refusal = refused.Refusal;
        }

        await (refusal is null ? WriteSubscriptionsAsync(context, user) : Problem.WriteAsync(context, refusal));
    }

    private async Task WriteSubscriptionsAsync(HttpContext context, string user) =>
        await PeopleRequest.WriteTextsAsync(context, "topics", await log.Directory.ListAllSubscriptionsAsync(user, context.RequestAborted));
}
