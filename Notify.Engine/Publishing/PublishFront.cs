using System.Text.Json;
using Microsoft.Extensions.Options;
using Notify.Contracts.Publishing;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Engine.Observability;
using Notify.Storage.Log;

namespace Notify.Engine.Publishing;

/// <summary>
/// The front of publishing for every edge: REST, batch, plain text, hub and the hosting app. It reads the request, asks
/// <see cref="AccessRules"/>, makes the idempotency key and publishes; an edge only translates the request and the outcome.
/// </summary>
/// <remarks>Reading and publishing are two calls, because an edge gives its buffer back between them.</remarks>
internal sealed class PublishFront(Publisher publisher, IOptions<NotifyOptions> options, PublishingMetrics metrics)
{
    private readonly LimitSettings _limits = options.Value.Limits;

    /// <summary>Reads the JSON of one notification, whose length the edge has bounded.</summary>
    public static PreparedPublish Prepare(ReadOnlySpan<byte> json, in PublishCall call) => Prepare(json, call, item: null);

    /// <summary>Reads a record whose data is raw JSON, and whose length the edge has bounded.</summary>
    /// <param name="data">Empty: the record has no data.</param>
    public static PreparedPublish Prepare(PublishRequest request, ReadOnlySpan<byte> data, in PublishCall call)
    {
        try
        {
            return Prepare(PublishRequestJson.Write(request, data).Span, call);
        }
        catch (JsonException malformed)
        {
            return PreparedPublish.Refused(StrictJson.Malformed(malformed));
        }
    }

    /// <summary>Reads a record, and checks its length as JSON.</summary>
    public PreparedPublish Prepare(PublishRequest request, in PublishCall call)
    {
        try
        {
            var json = PublishRequestJson.Write(request);
            return PayloadLimit.Check(json.Length, _limits) is { } tooLarge ? PreparedPublish.Refused(tooLarge) : Prepare(json.Span, call);
        }
        catch (JsonException malformed)
        {
            return PreparedPublish.Refused(StrictJson.Malformed(malformed));
        }
    }

    /// <summary>Reads a batch: its items, or why the whole call is refused.</summary>
    public Refusal? Prepare(ReadOnlySpan<byte> json, in PublishCall call, out PreparedPublish[] items)
    {
        items = [];
        if (!BatchRequestReader.TryRead(json, _limits.BatchSize, out var places, out var refusal)) return refusal;
        items = new PreparedPublish[places.Count];
        for (var i = 0; i < items.Length; i++)
        {
            var item = json[places[i]];
            items[i] = PayloadLimit.Check(item.Length, _limits) is { } tooLarge ? PreparedPublish.Refused(tooLarge) : Prepare(item, call, i);
        }

        return null;
    }

    /// <summary>Publishes one, or counts its refusal.</summary>
    public Task<PublishOutcome> PublishAsync(in PreparedPublish prepared, CancellationToken cancellationToken) =>
        prepared is { Refusal: null, Command: { } command }
            ? publisher.PublishAsync(command, prepared.Key, cancellationToken)
            : Task.FromResult<PublishOutcome>(Refuse(prepared.Refusal!));

    /// <summary>Publishes the items that were not refused together; the outcomes are in the order of the items.</summary>
    public async Task<IReadOnlyList<PublishOutcome>> PublishAsync(PreparedPublish[] items, CancellationToken cancellationToken)
    {
        var accepted = new List<(PublishCommand, IdempotencyKey?)>(items.Length);
        foreach (var item in items)
        {
            if (item.Refusal is null) accepted.Add((item.Command!, item.Key));
        }

        var answers = accepted.Count > 0 ? await publisher.PublishAsync(accepted, cancellationToken) : [];
        if (accepted.Count == items.Length) return answers;
        var outcomes = new PublishOutcome[items.Length];
        for (var (i, next) = (0, 0); i < outcomes.Length; i++) outcomes[i] = items[i].Refusal is { } refusal ? Refuse(refusal) : answers[next++];
        return outcomes;
    }

    /// <summary>Counts a refusal, also one that the edge found before it read the request.</summary>
    public PublishOutcome.Refused Refuse(Refusal refusal)
    {
        metrics.Refused(refusal.Code);
        return new PublishOutcome.Refused(refusal);
    }

    private static PreparedPublish Prepare(ReadOnlySpan<byte> json, in PublishCall call, int? item)
    {
        if (!PublishRequestReader.TryRead(json, call.Caller.Name, out var command, out var refusal)) return PreparedPublish.Refused(refusal);
        refusal = AccessRules.Publish(call.Caller, command.Topic) ?? IdempotencyKeys.Check(call, command, item);
        return refusal is null ? new PreparedPublish(command, IdempotencyKeys.Of(call, command, item, json), null) : PreparedPublish.Refused(refusal);
    }
}
