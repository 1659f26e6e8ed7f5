using System.Globalization;
using System.Text.Json;
using Notify.Contracts;
using Notify.Contracts.Wire;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Directory;
using Notify.Engine.Publishing;
using Notify.Server.Authentication.Keys;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary><c>/keys</c>: API keys are made, listed and revoked by administrators. The key itself is in the answer to its making alone.</summary>
internal sealed class KeyEndpoints(INotificationLog log, AppliedChanges changes, TimeProvider time)
{
    private const int MaxNameLength = 128;

    private static readonly Refusal NoName = Refusal.Invalid("'name' is missing: what people call the key.");
    private static readonly Refusal Past = Refusal.Invalid("'expiresAt' is in the past.");

    public async Task PostAsync(HttpContext context, Caller caller)
    {
        var refusal = AccessRules.Administer(caller);
        NewApiKey? key = null;
        var text = KeyText.New();
        if (refusal is null) (key, refusal) = await ReadAsync(context, text);
        refusal ??= await changes.MakeAsync(new DirectoryChange.CreateKey(key!), context.RequestAborted);
        if (refusal is not null)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var stored = await log.Directory.FindKeyAsync(text.Id, context.RequestAborted);
        context.Response.Headers.Location = $"{context.Request.PathBase}{ApiPaths.Root}/keys/{text.Id}";
        context.Response.Headers.CacheControl = "no-store"; // the key is in it
        await PeopleRequest.WriteAsync(context, StatusCodes.Status201Created, writer =>
            Write(writer, stored ?? new ApiKey(0, key!, time.GetUtcNow(), null), text.Text));
    }

    public async Task ListAsync(HttpContext context, Caller caller)
    {
        var (limit, after) = (0, 0L);
        if ((AccessRules.SeeAdministration(caller) ?? PeopleRequest.Page(context, out limit, out after)) is { } refusal)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var page = await log.Directory.ListKeysAsync(after, limit, context.RequestAborted);
        await PeopleRequest.WritePageAsync(context, page.Items, static (json, key) =>
            Write(json, key, null), page.Next?.ToString(CultureInfo.InvariantCulture));
    }

    public async Task DeleteAsync(HttpContext context, Caller caller)
    {
        var refusal = AccessRules.Administer(caller)
            ?? await changes.MakeAsync(new DirectoryChange.RevokeKey((string)context.Request.RouteValues["id"]!), context.RequestAborted);
        await (refusal is null ? PeopleRequest.NoContentAsync(context) : Problem.WriteAsync(context, refusal));
    }

    private async Task<(NewApiKey?, Refusal?)> ReadAsync(HttpContext context, KeyText text)
    {
        var (members, refusal) = await JsonMembers.ReadAsync(context, mayBeEmpty: false, "name", "publish", "subscribe", "admin", "expiresAt");
        if (members is null) return (null, refusal);
        if (members.Text("name", MaxNameLength, out var name) is { } badName) return (null, badName);
        if (members.Filters("publish", out var publish) is { } badPublish) return (null, badPublish);
        if (members.Filters("subscribe", out var subscribe) is { } badSubscribe) return (null, badSubscribe);
        if (members.Flag("admin", out var admin) is { } badAdmin) return (null, badAdmin);
        if (members.Time("expiresAt", out var expiresAt) is { } badTime) return (null, badTime);
        if (name is null) return (null, NoName);
        if (expiresAt <= time.GetUtcNow()) return (null, Past);
        return (new NewApiKey(text.Id, name, text.Hash, publish, subscribe, admin, expiresAt), null);
    }

    private static void Write(Utf8JsonWriter writer, ApiKey key, string? text)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, key.Key.Id);
        if (text is not null) writer.WriteString("key"u8, text);
        writer.WriteString("name"u8, key.Key.Name);
        PeopleRequest.WriteTexts(writer, "publish", key.Key.Publish);
        PeopleRequest.WriteTexts(writer, "subscribe", key.Key.Subscribe);
        writer.WriteBoolean("admin"u8, key.Key.Admin);
        writer.WriteString("createdAt"u8, Rfc3339Converter.ToText(key.CreatedAt));
        if (key.Key.ExpiresAt is { } expires) writer.WriteString("expiresAt"u8, Rfc3339Converter.ToText(expires));
        if (key.LastUsedAt is { } used) writer.WriteString("lastUsedAt"u8, Rfc3339Converter.ToText(used));
        writer.WriteEndObject();
    }

    internal static void WriteTexts(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts) writer.WriteStringValue(text);
        writer.WriteEndArray();
    }
}
