using Notify.Contracts.Publishing;
using Notify.Engine.Access;
using Notify.Engine.Publishing;

namespace Notify.Server.Hosting;

/// <summary>The hosting app as a publisher: trusted as its own code is, and with idempotency keys of its own.</summary>
internal sealed class AppPublisher(RecordPublisher publisher) : INotifyPublisher
{
    private static readonly Caller App = new() { Kind = CallerKind.Host, Publisher = "app", Grants = Grants.OfAdmin };

    public async Task<PublishResult> PublishAsync(PublishRequest request, CancellationToken cancellationToken = default) =>
        await publisher.PublishAsync(request, App, cancellationToken) switch
        {
            PublishOutcome.Accepted accepted => new PublishResult
            {
                Id = accepted.Id,
                Version = accepted.As == AcceptedAs.Ephemeral ? null : accepted.Version,
                Topic = accepted.Topic,
                PublishedAt = accepted.PublishedAt,
            },
            PublishOutcome.Refused { Refusal: var refusal } => throw new NotifyRefusedException(refusal.Code, refusal.Detail),
            var other => throw new InvalidOperationException($"There is no answer for {other.GetType().Name}."),
        };
}
