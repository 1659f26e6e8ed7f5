using Notify.Contracts.Publishing;
using Notify.Engine.Access;
using Notify.Engine.Publishing;

namespace Notify.Server.Hosting;

/// <summary>The hosting app as a publisher: trusted as its own code is, and with idempotency keys of its own.</summary>
internal sealed class AppPublisher(PublishFront front) : INotifyPublisher
{
    private static readonly Caller App = new() { Kind = CallerKind.Host, Publisher = "app", Grants = Grants.OfAdmin };

    // As the hub's call has it: a key that the app used is good for the same request.
    private static readonly PublishCall Call = new("Publish", App);

    public async Task<PublishResult> PublishAsync(PublishRequest request, CancellationToken cancellationToken = default) =>
        await front.PublishAsync(front.Prepare(request, Call), cancellationToken) switch
        {
            PublishOutcome.Accepted accepted => accepted.ToResult(),
            PublishOutcome.Refused { Refusal: var refusal } => throw new NotifyRefusedException(refusal.Code, refusal.Detail),
            var other => throw new InvalidOperationException($"There is no answer for {other.GetType().Name}."),
        };
}
