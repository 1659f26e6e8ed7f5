using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Contracts.Wire;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Inbox;
using Notify.Engine.Publishing;
using Notify.Server.Http;
using Notify.Server.Wire;
using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary><c>/users/{user}/inbox</c>: lists, counts and marks what came to a user.</summary>
internal sealed class InboxEndpoints(InboxReader reader, InboxMarking marking)
{
    internal static readonly string[] ListParameters = ["state", QueryFilters.Parameter, "before", "limit"];
    internal static readonly string[] SummaryParameters = [QueryFilters.Parameter];

    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;
    private const int MostFilters = 10;
    private const int MostVersions = 1000;
    private const string OwnTopic = "$user/" + TopicName.Me;

    private static readonly Refusal EitherOr = Refusal.Invalid($"Give 'versions' (1 to {MostVersions} of them) or 'upTo', one of the two.");
    private static readonly Refusal BadState = Refusal.Invalid("'state' is 'all' (the default: what is not archived), 'unread' or 'archived'.");
    private static readonly Refusal OneFilter = Refusal.Invalid("A list has at most one 'filter'.");

    public async Task ListAsync(HttpContext context, Caller caller)
    {
        var (view, before, limit) = (InboxView.All, LogLimits.MaxVersion, DefaultLimit);
        IReadOnlyList<InboxFilter> filters = [];
        var refusal = UserToSee(context, caller, out var user) ?? ReadView(context.Request, out view)
            ?? Number(context.Request, "before", 1, LogLimits.MaxVersion, ref before) ?? Limit(context.Request, ref limit)
                ?? ReadFilters(context.Request, user, out filters);
        if (refusal is null && filters.Count > 1) refusal = OneFilter;
        if (refusal is not null)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var asked = new InboxAsked(user, caller.Grants.MaySubscribe) { Filters = filters };
        await WriteAsync(context, await reader.ListAsync(asked, view, filters.Count == 0 ? null : filters[0], before, limit, context.RequestAborted));
    }

    public async Task SummaryAsync(HttpContext context, Caller caller)
    {
        IReadOnlyList<InboxFilter> filters = [];
        var refusal = UserToSee(context, caller, out var user) ?? ReadFilters(context.Request, user, out filters);
        if (refusal is not null)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var counts = await reader.CountAsync([new InboxAsked(user, caller.Grants.MaySubscribe) { Filters = filters }], context.RequestAborted);
        await PeopleRequest.WriteAsync(context, StatusCodes.Status200OK, json => Write(json, counts[0]));
    }

    /// <summary>The call that makes this mark.</summary>
    public ApiHandler Mark(InboxOperation operation) => (context, caller) => MarkAsync(context, caller, operation);

    private async Task MarkAsync(HttpContext context, Caller caller, InboxOperation operation)
    {
        var refusal = PeopleRequest.User(context, caller, out var user) ?? AccessRules.ChangeUser(caller, user);
        JsonMembers? members = null;
        if (refusal is null)
        {
            (members, refusal) = operation is InboxOperation.Unread or InboxOperation.Unarchive
                ? await JsonMembers.ReadAsync(context, mayBeEmpty: false, "versions", "filter")
                : await JsonMembers.ReadAsync(context, mayBeEmpty: false, "versions", "upTo", "filter");
        }

        InboxMarkAsked? mark = null;
        refusal ??= ReadMark(members!, operation, user, out mark);
        if (refusal is null)
        {
            var asked = new InboxAsked(user, caller.Grants.MaySubscribe) { Filters = mark!.Filter is { } filter ? [filter] : [] };
            (var counts, refusal) = await marking.MarkAsync(asked, mark, context.RequestAborted);
            if (counts is not null)
            {
                await PeopleRequest.WriteAsync(context, StatusCodes.Status200OK, json => Write(json, counts));
                return;
            }
        }

        await Problem.WriteAsync(context, refusal!);
    }

    private static Refusal? ReadMark(JsonMembers members, InboxOperation operation, string user, out InboxMarkAsked? mark)
    {
        mark = null;
        if (members.Versions("versions", MostVersions, out var versions) is { } badVersions) return badVersions;
        if (members.Version("upTo", out var upTo) is { } badUpTo) return badUpTo;
        if (members.Text("filter", TopicName.MaxBytes, out var text) is { } badText) return badText;
        if (versions is null == upTo is null) return EitherOr;
        InboxFilter? filter = null;
        if (text is not null && ReadFilter(text, user, out filter) is { } badFilter) return badFilter;
        mark = new InboxMarkAsked(operation, versions, upTo ?? 0, filter);
        return null;
    }

    private static Refusal? UserToSee(HttpContext context, Caller caller, out string user) =>
        PeopleRequest.User(context, caller, out user) ?? AccessRules.SeeUser(caller, user);

    private static Refusal? ReadView(HttpRequest request, out InboxView view)
    {
        var given = request.Query["state"];
        InboxView? named = given.Count switch
        {
            0 => InboxView.All,
            1 => given[0] switch { "all" => InboxView.All, "unread" => InboxView.Unread, "archived" => InboxView.Archived, _ => null },
            _ => null,
        };
        view = named ?? InboxView.All;
        return named is null ? BadState : null;
    }

    private static Refusal? Limit(HttpRequest request, ref int limit)
    {
        long value = limit;
        if (Number(request, "limit", 1, MaxLimit, ref value) is { } refusal) return refusal;
        limit = (int)value;
        return null;
    }

    private static Refusal? Number(HttpRequest request, string name, long least, long most, ref long value)
    {
        var given = request.Query[name];
        if (given.Count == 0) return null;
        return given.Count == 1 && long.TryParse(given[0], NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most
            ? null
            : Refusal.Invalid($"'{name}' is a whole number from {least} to {most}.");
    }

    private static Refusal? ReadFilters(HttpRequest request, string user, out IReadOnlyList<InboxFilter> filters)
    {
        var read = new List<InboxFilter>();
        filters = read;
        var texts = QueryFilters.Read(request);
        if (texts.Count > MostFilters) return Refusal.Invalid($"At most {MostFilters} filters in one call.");
        foreach (var text in texts)
        {
            if (ReadFilter(text, user, out var filter) is { } refusal) return refusal;
            read.Add(filter!);
        }

        return null;
    }

    /// <summary>A filter over an inbox may also name the own topic and a group's: what is in it needs no grant.</summary>
    private static Refusal? ReadFilter(string text, string user, out InboxFilter? filter)
    {
        filter = null;
        if (text.Length > 0 && TopicName.IsReserved(text))
        {
            var topic = text == OwnTopic ? TopicName.OfUser(user) : text;
            var group = topic.StartsWith(TopicName.OfGroup(""), StringComparison.Ordinal) ? topic[TopicName.OfGroup("").Length..] : null;
            if (topic != TopicName.OfUser(user) && (group is null || !TopicName.IsValidId(group, "group", out _)))
                return new Refusal(ErrorCodes.InvalidFilter, "Of the system's topics a filter over an inbox may be '$user/me' or '$group/{name}'.");
            filter = new InboxFilter(text, TopicFilter.Exact(topic));
            return null;
        }

        if (!TopicFilter.TryParse(text, out var parsed, out var problem)) return new Refusal(ErrorCodes.InvalidFilter, problem);
        filter = new InboxFilter(text, parsed);
        return null;
    }

    private static Task WriteAsync(HttpContext context, InboxPage page)
    {
        var output = new ArrayBufferWriter<byte>();
        output.Write("{\"items\":["u8);
        for (var i = 0; i < page.Items.Count; i++)
        {
            var (entry, state) = page.Items[i];
            output.Write(i == 0 ? "{\"notification\":"u8 : ",{\"notification\":"u8);
            NotificationJson.Write(output, entry);
            WriteTime(output, ",\"seenAt\":\""u8, state.SeenAt);
            WriteTime(output, ",\"readAt\":\""u8, state.ReadAt);
            WriteTime(output, ",\"archivedAt\":\""u8, state.ArchivedAt);
            output.Write("}"u8);
        }

        output.Write("],"u8);
        var rest = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(rest, JsonWriting.Options))
        {
            writer.WriteStartObject();
            if (page.Next is { } next) writer.WriteNumber("next"u8, next);
            writer.WritePropertyName("summary"u8);
            Write(writer, page.Counts);
            writer.WriteEndObject();
        }

        output.Write(rest.WrittenSpan[1..]);
        return JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, output.WrittenMemory);
    }

    private static void WriteTime(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> name, DateTimeOffset? time)
    {
        if (time is not { } at) return;
        output.Write(name);
        output.Write(System.Text.Encoding.ASCII.GetBytes(Rfc3339Converter.ToText(at)));
        output.Write("\""u8);
    }

    private static void Write(Utf8JsonWriter json, InboxCounts counts)
    {
        json.WriteStartObject();
        json.WriteNumber("unread"u8, counts.Unread);
        json.WriteNumber("unseen"u8, counts.Unseen);
        json.WriteNumber("head"u8, counts.Head);
        json.WriteString("epoch"u8, counts.Epoch);
        json.WriteNumber("rev"u8, counts.Head);
        if (counts.AtLeast) json.WriteBoolean("atLeast"u8, true);
        if (counts.Filters.Count > 0)
        {
            json.WriteStartArray("filters"u8);
            foreach (var (filter, unread, unseen) in counts.Filters)
            {
                json.WriteStartObject();
                json.WriteString("filter"u8, filter.Text);
                json.WriteNumber("unread"u8, unread);
                json.WriteNumber("unseen"u8, unseen);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}
