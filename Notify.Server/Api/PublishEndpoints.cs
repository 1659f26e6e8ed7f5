using Microsoft.Extensions.Options;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Engine.Observability;
using Notify.Engine.Publishing;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary><c>POST /notifications</c> and <c>POST /notifications/batch</c>.</summary>
internal sealed class PublishEndpoints(Publisher publisher, IOptions<NotifyOptions> options, PublishingMetrics metrics)
{
    private const string Call = "POST " + ApiPaths.Notifications;
    private const string BatchItem = "POST " + ApiPaths.Notifications + "/batch";

    // Room for the brackets, commas and line breaks around a batch's items.
    private const int BatchFrameBytes = 64 * 1024;

    private readonly LimitSettings _limits = options.Value.Limits;

    public async Task PostAsync(HttpContext context, Caller caller)
    {
        if (Prepare(context.Request, out var header) is { } badHead)
        {
            await RefuseAsync(context, badHead);
            return;
        }

        PublishCommand? command;
        Refusal? refusal;
        IdempotencyKey? key = null;
        using (var body = await RequestBody.ReadAsync(context, _limits.PayloadBytes))
        {
            if (body is not { Bytes: var json })
            {
                await RefuseAsync(context, PayloadLimit.TooLarge(_limits.PayloadBytes));
                return;
            }

            if (PublishRequestReader.TryRead(json.Span, caller.Name, out command, out refusal))
                refusal = AccessRules.Publish(caller, command.Topic) ?? Key(header, caller, command, json.Span, out key);
        }

        if (refusal is null) await PublishAnswer.WriteAsync(context, await publisher.PublishAsync(command!, key, context.RequestAborted));
        else await RefuseAsync(context, refusal);
    }

    public async Task PostBatchAsync(HttpContext context, Caller caller)
    {
        if (Prepare(context.Request, out var header) is { } badHead)
        {
            await RefuseAsync(context, badHead);
            return;
        }

        var limit = (long)_limits.BatchSize * _limits.PayloadBytes + BatchFrameBytes;
        PublishOutcome[] outcomes;
        List<(PublishCommand, IdempotencyKey?)> accepted;
        using (var body = await RequestBody.ReadAsync(context, Math.Min(limit, Array.MaxLength)))
        {
            if (body is not { Bytes: var json })
            {
                await RefuseAsync(context, PayloadLimit.TooLarge(limit));
                return;
            }

            if (!BatchRequestReader.TryRead(json.Span, _limits.BatchSize, out var items, out var refusal))
            {
                await RefuseAsync(context, refusal);
                return;
            }

            outcomes = new PublishOutcome[items.Count];
            accepted = ReadItems(json.Span, items, header, caller, outcomes);
        }

        if (accepted.Count > 0) FillIn(outcomes, await publisher.PublishAsync(accepted, context.RequestAborted));
        await PublishAnswer.WriteAsync(context, outcomes);
    }

    /// <summary>Reads the items; a refused one has its outcome in its place, an accepted one none yet.</summary>
    private List<(PublishCommand Command, IdempotencyKey? Key)> ReadItems(ReadOnlySpan<byte> json, List<Range> items, string? header, Caller caller, PublishOutcome[] outcomes)
    {
        var accepted = new List<(PublishCommand, IdempotencyKey?)>(items.Count);
        for (var i = 0; i < items.Count; i++)
        {
            var item = json[items[i]];
            IdempotencyKey? key = null;
            PublishCommand? command = null;
            var refusal = PayloadLimit.Check(item.Length, _limits);
            if (refusal is null && PublishRequestReader.TryRead(item, caller.Name, out command, out refusal))
                refusal = AccessRules.Publish(caller, command.Topic) ?? ItemKey(header, i, caller, command, item, out key);

            if (refusal is null)
            {
                accepted.Add((command!, key));
                continue;
            }

            metrics.Refused(refusal.Code);
            outcomes[i] = new PublishOutcome.Refused(refusal);
        }

        return accepted;
    }

    private static void FillIn(PublishOutcome[] outcomes, IReadOnlyList<PublishOutcome> answers)
    {
        var next = 0;
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] ??= answers[next++];
    }

    private static Refusal? Prepare(HttpRequest request, out string? header)
    {
        header = null;
        return MediaTypes.RequireJson(request) ?? IdempotencyHeader.Read(request, out header);
    }

    private static Refusal? Key(string? header, Caller caller, PublishCommand command, ReadOnlySpan<byte> body, out IdempotencyKey? key)
    {
        key = null;
        var refusal = IdempotencyHeader.Combine(header, command, out var text);
        if (refusal is null && text is not null) key = IdempotencyKeys.Own(caller, text, IdempotencyKeys.Hash(Call, body));
        return refusal;
    }

    private static Refusal? ItemKey(string? header, int index, Caller caller, PublishCommand command, ReadOnlySpan<byte> item, out IdempotencyKey? key)
    {
        key = null;
        if (header is not null && command.IdempotencyKey is not null) return Refusal.Invalid($"The header '{IdempotencyHeader.Name}' stands for every item; give it or the member 'idempotencyKey'.");
        if (header is not null && IdempotencyKeys.Problem(header, command.Ephemeral) is { } refusal) return refusal;
        if (header is not null) key = IdempotencyKeys.OfBatch(caller, header, index, IdempotencyKeys.Hash(BatchItem, item));
        else if (command.IdempotencyKey is { } own) key = IdempotencyKeys.Own(caller, own, IdempotencyKeys.Hash(BatchItem, item));
        return null;
    }

    private Task RefuseAsync(HttpContext context, Refusal refusal)
    {
        metrics.Refused(refusal.Code);
        return Problem.WriteAsync(context, refusal);
    }
}
