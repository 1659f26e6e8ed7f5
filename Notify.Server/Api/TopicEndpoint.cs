using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Microsoft.Extensions.Options;
using Notify.Contracts.Publishing;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Engine.Publishing;

namespace Notify.Server.Api;

/// <summary>
/// <c>POST /topics/{topic…}</c>, for shells: <c>curl -d "Backup done" HOST/api/v1/topics/backups</c>. Rewritten as the
/// request of <c>POST /notifications</c>, whose rules it has.
/// </summary>
internal sealed class TopicEndpoint(PublishFront front, IOptions<NotifyOptions> options)
{
    /// <summary>What besides the body may be said, as a query parameter or as the header <c>X-…</c>.</summary>
    internal static readonly string[] Parameters = ["title", "priority", "tags", "type", "link", "ttlSeconds"];

    /// <summary>Those that are lists, and may be blank.</summary>
    internal static readonly string[] Lists = ["tags"];

    private const string HeaderPrefix = "X-";

    private readonly int _payloadBytes = options.Value.Limits.PayloadBytes;

    public async Task PostAsync(HttpContext context, Caller caller)
    {
        PreparedPublish prepared;
        if (Prepare(context.Request, out var request, out var json, out var header) is { } refusal)
        {
            prepared = PreparedPublish.Refused(refusal);
        }
        else
        {
            using var body = await RequestBody.ReadAsync(context, _payloadBytes);
            prepared = body.Refusal is { } unread
                ? PreparedPublish.Refused(unread)
                : Read(request, json, body.Bytes.Span, new PublishCall($"POST {ApiPaths.Topics}{request.Topic}", caller, header));
        }

        await PublishAnswer.WriteAsync(context, await front.PublishAsync(prepared, context.RequestAborted));
    }

    private static Refusal? Prepare(HttpRequest http, out PublishRequest request, out bool json, out string? key)
    {
        request = new PublishRequest();
        key = null;
        if (MediaTypes.RequireJsonOrText(http, out json) is { } badType) return badType;
        if (IdempotencyHeader.Read(http, out key) is { } badKey) return badKey;
        if (TopicPath.Read(http, out var topic) is { } badPath) return badPath;
        var values = new string?[Parameters.Length];
        if (ReadParameters(http, values) is { } badParameter) return badParameter;
        if (values is not [var title, var priority, var tags, var type, var link, var ttl])
            throw new InvalidOperationException("One value for each parameter.");

        long? seconds = null;
        if (ttl is not null)
        {
            if (!long.TryParse(ttl, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return PublishRequestReader.BadTtl;
            seconds = number;
        }

        request = new PublishRequest
        {
            Topic = topic,
            Title = title,
            Priority = priority,
            Tags = tags?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } labels ? labels : null,
            Type = type,
            Link = link,
            TtlSeconds = seconds,
        };
        return null;
    }

    private static Refusal? ReadParameters(HttpRequest http, string?[] values)
    {
        for (var i = 0; i < Parameters.Length; i++)
        {
            var query = http.Query[Parameters[i]];
            var header = http.Headers[HeaderPrefix + Parameters[i]];
            if (query.Count + header.Count > 1) return Refusal.Invalid($"'{Parameters[i]}' is given twice.");
            values[i] = query.Count == 1 ? query[0] : header.Count == 1 ? header[0] : null;
            if (values[i] is "" && Array.IndexOf(Lists, Parameters[i]) < 0)
                return Refusal.Invalid($"'{Parameters[i]}' has no value. Give it one, or leave it out.");
        }

        return null;
    }

    private static PreparedPublish Read(PublishRequest request, bool json, ReadOnlySpan<byte> body, in PublishCall call)
    {
        if (!Utf8.IsValid(body)) return PreparedPublish.Refused(Refusal.Invalid("The body is not valid UTF-8."));
        return json
            ? PublishFront.Prepare(request, body, call)
            : PublishFront.Prepare(request with { Body = body.IsEmpty ? null : Encoding.UTF8.GetString(body) }, default, call);
    }
}
