using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Replay;
using Notify.Engine.Publishing;
using Notify.Engine.Tail;
using Notify.Server.Security;
using Notify.Server.Wire;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary><c>GET /notifications</c> and <c>GET /notifications/{id}</c>.</summary>
internal sealed class ReadEndpoints(IReplay replay, INotificationLog log, Callers callers, IOptions<NotifyOptions> options, LogClock clock)
{
    internal static readonly string[] Parameters = ["filter", "since", "limit"];

    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;
    private const long MaxVersion = (1L << 53) - 1; // what JavaScript holds

    // A leading wildcard matches no topic that begins with '$' (MQTT 3.1.1 §4.7.2): this is all that is not the system's.
    private static readonly TopicFilter[] Everything = [TopicFilter.TryParse("#", out var all, out var problem) ? all : throw new InvalidOperationException(problem)];

    private static readonly Refusal NotFound = new(ErrorCodes.NotFound, "There is no such notification, or no longer.");

    public async Task ListAsync(HttpContext context, Caller caller)
    {
        if (!TryReadQuery(context.Request, out var filters, out var since, out var limit, out var refusal))
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var page = await replay.ReadAsync(filters, since, limit, context.RequestAborted);
        var json = new ArrayBufferWriter<byte>();
        WritePage(json, page, since);
        await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, json.WrittenMemory);
    }

    public async Task GetAsync(HttpContext context, Caller caller)
    {
        var entry = Guid.TryParseExact((string?)context.Request.RouteValues["id"], "D", out var id)
            ? await log.FindAsync(id, context.RequestAborted)
            : null;
        if (entry is null || entry.ExpiresAt <= clock.Now || !callers.MaySee(caller, entry.Topic))
        {
            await Problem.WriteAsync(context, NotFound);
            return;
        }

        var json = new ArrayBufferWriter<byte>();
        NotificationJson.Write(json, entry);
        await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, json.WrittenMemory);
    }

    private static void WritePage(ArrayBufferWriter<byte> json, ReplayPage page, long since)
    {
        json.Write("{\"items\":["u8);
        for (var i = 0; i < page.Entries.Count; i++)
        {
            if (i > 0) json.Write(","u8);
            NotificationJson.Write(json, page.Entries[i]);
        }

        json.Write("],"u8);
        var rest = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(rest))
        {
            writer.WriteStartObject();
            writer.WriteNumber("next"u8, page.Next);
            WritePlace(writer, page.Head);
            if (page.Gap is { } reason)
            {
                writer.WriteStartObject("gap"u8);
                writer.WriteNumber("since"u8, since);
                writer.WriteNumber("oldest"u8, page.Head.Oldest);
                WritePlace(writer, page.Head);
                writer.WriteString("reason"u8, reason);
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

    private bool TryReadQuery(
        HttpRequest request,
        [NotNullWhen(true)] out IReadOnlyList<TopicFilter>? filters,
        out long since,
        out int limit,
        [NotNullWhen(false)] out Refusal? refusal)
    {
        (filters, limit) = (null, DefaultLimit);
        refusal = ReadNumber(request, "since", 0, 0, MaxVersion, out since);
        if (refusal is not null) return false;
        refusal = ReadNumber(request, "limit", DefaultLimit, 1, MaxLimit, out var entries);
        if (refusal is not null) return false;
        limit = (int)entries;
        return TryReadFilters(request.Query["filter"], out filters, out refusal);
    }

    private bool TryReadFilters(
        StringValues texts,
        [NotNullWhen(true)] out IReadOnlyList<TopicFilter>? filters,
        [NotNullWhen(false)] out Refusal? refusal)
    {
        (filters, refusal) = (null, null);
        if (texts.Count == 0)
        {
            filters = Everything;
            return true;
        }

        if (texts.Count > options.Value.Limits.FiltersPerConnection)
        {
            refusal = StrictJson.Invalid($"At most {options.Value.Limits.FiltersPerConnection} filters are taken.");
            return false;
        }

        var parsed = new List<TopicFilter>(texts.Count);
        foreach (var text in texts)
        {
            if (!TopicFilter.TryParse(text, out var filter, out var problem))
            {
                refusal = new Refusal(ErrorCodes.InvalidFilter, problem);
                return false;
            }

            parsed.Add(filter);
        }

        filters = parsed;
        return true;
    }

    private static Refusal? ReadNumber(HttpRequest request, string name, long whenAbsent, long least, long most, out long value)
    {
        value = whenAbsent;
        var given = request.Query[name];
        if (given.Count == 0) return null;
        return given.Count == 1 && long.TryParse(given[0], NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most
            ? null
            : StrictJson.Invalid($"'{name}' is a whole number from {least} to {most}.");
    }
}
