using Microsoft.Extensions.Options;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Engine.Publishing;

namespace Notify.Server.Api;

/// <summary><c>POST /notifications</c> and <c>POST /notifications/batch</c>.</summary>
internal sealed class PublishEndpoints(PublishFront front, IOptions<NotifyOptions> options)
{
    private const string Call = "POST " + ApiPaths.Notifications;
    private const string BatchCall = "POST " + ApiPaths.Notifications + "/batch";

    // Room for the brackets, commas and line breaks around a batch's items.
    private const int BatchFrameBytes = 64 * 1024;

    private readonly int _payloadBytes = options.Value.Limits.PayloadBytes;
    private readonly long _batchBytes = Math.Min((long)options.Value.Limits.BatchSize * options.Value.Limits.PayloadBytes + BatchFrameBytes, Array.MaxLength);

    public async Task PostAsync(HttpContext context, Caller caller)
    {
        // Two methods: what waits for the append is then small, and the body has mostly come with the head.
        var prepared = await ReadAsync(context, caller);
        await PublishAnswer.WriteAsync(context, await front.PublishAsync(prepared, context.RequestAborted));
    }

    public async Task PostBatchAsync(HttpContext context, Caller caller)
    {
        PreparedPublish[] items = [];
        var refusal = ReadHead(context.Request, out var header);
        if (refusal is null)
        {
            using var body = await RequestBody.ReadAsync(context, _batchBytes);
            refusal = body.Refusal ?? front.Prepare(body.Bytes.Span, new PublishCall(BatchCall, caller, header), out items);
        }

        if (refusal is null) await PublishAnswer.WriteAsync(context, await front.PublishAsync(items, context.RequestAborted));
        else await PublishAnswer.WriteAsync(context, front.Refuse(refusal));
    }

    private async ValueTask<PreparedPublish> ReadAsync(HttpContext context, Caller caller)
    {
        if (ReadHead(context.Request, out var header) is { } refusal) return PreparedPublish.Refused(refusal);
        using var body = await RequestBody.ReadAsync(context, _payloadBytes);
        return body.Refusal is { } unread ? PreparedPublish.Refused(unread)
            : PublishFront.Prepare(body.Bytes.Span, new PublishCall(Call, caller, header));
    }

    private static Refusal? ReadHead(HttpRequest request, out string? key)
    {
        key = null;
        return MediaTypes.RequireJson(request) ?? IdempotencyHeader.Read(request, out key);
    }
}
