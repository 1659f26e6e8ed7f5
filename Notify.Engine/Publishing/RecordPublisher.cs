using System.Text.Json;
using Microsoft.Extensions.Options;
using Notify.Contracts.Publishing;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Engine.Observability;

namespace Notify.Engine.Publishing;

/// <summary>Publishes what comes as a record: the hub's <c>Publish</c>. The rules are those of the POST.</summary>
internal sealed class RecordPublisher(Publisher publisher, IOptions<NotifyOptions> options, PublishingMetrics metrics)
{
    private const string Call = "Publish";

    /// <summary>Publishes one; its key's hash is taken over the whole request.</summary>
    public async Task<PublishOutcome> PublishAsync(PublishRequest request, Caller caller, CancellationToken cancellationToken)
    {
        if (!TryRead(request, caller, out var json, out var command, out var refusal))
        {
            metrics.Refused(refusal!.Code);
            return new PublishOutcome.Refused(refusal);
        }

        var key = command!.IdempotencyKey is { } text ? IdempotencyKeys.Own(caller, text, IdempotencyKeys.Hash(Call, json.Span)) : null;
        return await publisher.PublishAsync(command, key, cancellationToken);
    }

    private bool TryRead(PublishRequest request, Caller caller, out ReadOnlyMemory<byte> json, out PublishCommand? command, out Refusal? refusal)
    {
        (json, command) = (default, null);
        try
        {
            json = PublishRequestJson.Write(request);
        }
        catch (JsonException malformed)
        {
            refusal = StrictJson.Malformed(malformed);
            return false;
        }

        refusal = PayloadLimit.Check(json.Length, options.Value.Limits);
        if (refusal is not null || !PublishRequestReader.TryRead(json.Span, caller.Name, out command, out refusal)) return false;
        refusal = AccessRules.Publish(caller, command.Topic);
        return refusal is null;
    }
}
