using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Delivery.Replay;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Inbox;
using Notify.Engine.Publishing;
using Notify.Engine.Tail;
using Notify.Server.Wire;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary><c>GET /notifications</c> and <c>GET /notifications/{id}</c>.</summary>
internal sealed class ReadEndpoints(IReplay replay, IHistory history, INotificationLog log, FilterReader filterReader, LogClock clock, InboxReader inbox)
{
    internal static readonly string[] Parameters = [QueryFilters.Parameter, "since", "limit", "order", "before"];

    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;
    private const long MaxVersion = LogLimits.MaxVersion;

    private static readonly Refusal SinceBackwards = Refusal.Invalid("'since' is for oldest first. With 'order=desc' a page is what is below 'before'.");
    private static readonly Refusal BeforeForwards =
        Refusal.Invalid("'before' is for newest first: add 'order=desc'. Oldest first, a page is what is after 'since'.");
    private static readonly Refusal NotFound = new(ErrorCodes.NotFound, "There is no such notification, or no longer.");

    public async Task ListAsync(HttpContext context, Caller caller)
    {
        if (Read(context.Request, caller, out var filters, out var from, out var limit, out var isNewestFirst) is { } refusal)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var json = new ArrayBufferWriter<byte>();
        if (isNewestFirst)
        {
            var page = await history.ReadAsync(filters, from, limit, context.RequestAborted);
            WritePage(json, page.Entries, page.Next, page.Head);
        }
        else
        {
            var since = from ?? 0;
            var page = await replay.ReadAsync(filters, since, limit, context.RequestAborted);
            WritePage(json, page.Entries, page.Next, page.Head, since, page.Gap);
        }

        await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, json.WrittenMemory);
    }

    public async Task GetAsync(HttpContext context, Caller caller)
    {
        var entry = Guid.TryParseExact((string?)context.Request.RouteValues["id"], "D", out var id)
            ? await log.FindAsync(id, context.RequestAborted) ?? await log.Inbox.FindKeptAsync(id, context.RequestAborted)
            : null;
        if (entry is null || entry.ExpiresAt <= clock.Now
            || !(AccessRules.MaySee(caller, entry.Topic) || await IsForAsync(caller, entry, context.RequestAborted)))
        {
            await Problem.WriteAsync(context, NotFound);
            return;
        }

        var json = new ArrayBufferWriter<byte>();
        NotificationJson.Write(json, entry);
        await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, json.WrittenMemory);
    }

    /// <summary>What came to the user by a group needs no grant, also after the membership has ended.</summary>
    private async Task<bool> IsForAsync(Caller caller, LogEntry entry, CancellationToken cancellationToken) =>
        caller.User is { } user && entry.Topic.StartsWith(TopicName.OfGroup(""), StringComparison.Ordinal)
            && await inbox.CameToAsync(user, entry.Version, cancellationToken);

    private static void WritePage(ArrayBufferWriter<byte> json, IReadOnlyList<LogEntry> entries, long? next, LogHead head, long since = 0, string? gap = null)
    {
        json.Write("{\"items\":["u8);
        for (var i = 0; i < entries.Count; i++)
        {
            if (i > 0) json.Write(","u8);
            NotificationJson.Write(json, entries[i]);
        }

        json.Write("],"u8);
        var rest = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(rest))
        {
            writer.WriteStartObject();
            if (next is { } version) writer.WriteNumber("next"u8, version);
            WritePlace(writer, head);
            if (gap is not null)
            {
                writer.WriteStartObject("gap"u8);
                writer.WriteNumber("since"u8, since);
                writer.WriteNumber("oldest"u8, head.Oldest);
                WritePlace(writer, head);
                writer.WriteString("reason"u8, gap);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        json.Write(rest.WrittenSpan[1..]);
    }

    private static void WritePlace(Utf8JsonWriter writer, LogHead head)
    {
        writer.WriteNumber("head"u8, head.Head);
        writer.WriteString("epoch"u8, head.Epoch);
    }

    private Refusal? Read(HttpRequest request, Caller caller, out IReadOnlyList<TopicFilter> filters, out long? from, out int limit, out bool isNewestFirst)
    {
        (filters, from, limit, isNewestFirst) = ([], null, DefaultLimit, false);
        if (ReadOrder(request, out isNewestFirst) is { } badOrder) return badOrder;
        var (name, least, other) = isNewestFirst ? ("before", 1, "since") : ("since", 0, "before");
        if (request.Query.ContainsKey(other)) return isNewestFirst ? SinceBackwards : BeforeForwards;
        if (ReadNumber(request, name, least, MaxVersion, out from) is { } badVersion) return badVersion;
        if (ReadNumber(request, "limit", 1, MaxLimit, out var entries) is { } badLimit) return badLimit;
        limit = (int)(entries ?? DefaultLimit);

        var texts = QueryFilters.Read(request);
        if (texts.Count == 0) return AccessRules.ReadAll(caller, out filters);
        var refusal = filterReader.Read(texts, out var named);
        filters = named;
        return refusal ?? AccessRules.Follow(caller, named);
    }

    private static Refusal? ReadOrder(HttpRequest request, out bool isNewestFirst)
    {
        var order = request.Query["order"];
        isNewestFirst = order.Count == 1 && order[0] == "desc";
        return isNewestFirst || order.Count == 0 || (order.Count == 1 && order[0] == "asc")
            ? null
            : Refusal.Invalid("'order' is 'asc' (oldest first) or 'desc' (newest first).");
    }

    private static Refusal? ReadNumber(HttpRequest request, string name, long least, long most, out long? value)
    {
        value = null;
        var given = request.Query[name];
        if (given.Count == 0) return null;
        if (given.Count > 1 || !long.TryParse(given[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < least || number > most)
            return Refusal.Invalid($"'{name}' is a whole number from {least} to {most}.");
        value = number;
        return null;
    }
}
