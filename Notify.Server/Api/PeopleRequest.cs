using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Publishing;
using Notify.Server.Http;

namespace Notify.Server.Api;

/// <summary>What the calls about people read from a path and a query, and how they write lists.</summary>
internal static class PeopleRequest
{
    /// <summary>The query of a list: <c>limit</c> and <c>after</c>.</summary>
    internal static readonly string[] ListParameters = ["limit", "after"];

    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    /// <summary>A name in the path, such as that of a group.</summary>
    public static Refusal? Name(HttpContext context, string value, string what, out string name)
    {
        name = (string)context.Request.RouteValues[value]!;

        // The server's own decoding keeps %2F, which no name has either way.
        var decoded = name.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        return TopicName.IsValidId(decoded, what, out var problem) ? null : new Refusal(ErrorCodes.InvalidRequest, problem);
    }

    /// <summary>The user in the path; <c>me</c> is the caller's own.</summary>
    public static Refusal? User(HttpContext context, Caller caller, out string user)
    {
        user = (string)context.Request.RouteValues["user"]!;
        return user == TopicName.Me ? AccessRules.UserOf(caller, user, out user) : Name(context, "user", "user", out user);
    }

    /// <summary>How many, and after which.</summary>
    public static Refusal? Page(HttpContext context, out int limit, out string? after)
    {
        limit = DefaultLimit;
        after = null;
        var query = context.Request.Query;
        if (query["limit"] is { Count: > 0 } limits
            && !(limits.Count == 1 && int.TryParse(limits[0], NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= MaxLimit))
            return Refusal.Invalid($"'limit' is a whole number from 1 to {MaxLimit}.");
        if (query["after"] is not { Count: > 0 } afters) return null;
        after = afters[0];
        return afters.Count == 1 && after is { Length: > 0 } ? null : Refusal.Invalid("'after' is what the page before gave as 'next'.");
    }

    /// <summary>As <see cref="Page(HttpContext, out int, out string?)"/>, where the place is a number.</summary>
    public static Refusal? Page(HttpContext context, out int limit, out long after)
    {
        after = 0;
        if (Page(context, out limit, out string? text) is { } refusal) return refusal;
        return text is null || long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out after)
            ? null
            : Refusal.Invalid("'after' is what the page before gave as 'next'.");
    }

    /// <summary><c>{ items, next? }</c>; a page that is full has another one after it.</summary>
    public static Task WritePageAsync<T>(HttpContext context, IReadOnlyList<T> items, Action<Utf8JsonWriter, T> write, string? next) => WriteAsync(
        context,
        StatusCodes.Status200OK,
        writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("items"u8);
            foreach (var item in items) write(writer, item);
            writer.WriteEndArray();
            if (next is not null) writer.WriteString("next"u8, next);
            writer.WriteEndObject();
        });

    public static Task WriteAsync(HttpContext context, int status, Action<Utf8JsonWriter> write)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, JsonWriting.Options)) write(writer);
        return JsonAnswer.WriteAsync(context, status, json.WrittenMemory);
    }

    /// <summary>An object with one array of texts.</summary>
    public static Task WriteTextsAsync(HttpContext context, string name, IReadOnlyList<string> texts) => WriteAsync(context, StatusCodes.Status200OK, writer =>
    {
        writer.WriteStartObject();
        WriteTexts(writer, name, texts);
        writer.WriteEndObject();
    });

    public static void WriteTexts(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts) writer.WriteStringValue(text);
        writer.WriteEndArray();
    }

    public static Task NoContentAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }
}
