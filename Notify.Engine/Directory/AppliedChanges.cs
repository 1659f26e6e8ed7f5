using Notify.Engine.Tail;
using Notify.Storage.Directory;

namespace Notify.Engine.Directory;

/// <summary>
/// Changes whose answer must find them at work: revoked credentials are rejected, and counts have the mark in them. The answer waits
/// until this node has applied the change's entry.
/// </summary>
internal sealed class AppliedChanges(DirectoryWriter writer, TailPosition tail, TimeProvider time)
{
    /// <summary>How long an answer waits for this node; the change is stored all the same.</summary>
    private static readonly TimeSpan MostWait = TimeSpan.FromSeconds(5);

    /// <summary>Makes the change; null when it holds.</summary>
    public async Task<Refusal?> MakeAsync(DirectoryChange change, CancellationToken cancellationToken)
    {
        var answer = await writer.MakeAsync(change, cancellationToken);
        if (answer is ChangeAnswer.Refused refused) return refused.Refusal;
        if (answer is ChangeAnswer.Made { Outcome.Version: > 0 and var version } made) await WhenAppliedAsync(made.Epoch, version, cancellationToken);
        return null;
    }

    private async Task WhenAppliedAsync(Guid epoch, long version, CancellationToken cancellationToken)
    {
        if (tail.View is not { } view || view.EpochId != epoch) return;
        try
        {
            await view.WhenAppliedAsync(version).WaitAsync(MostWait, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // The tail cannot read on; it applies the entry when it can.
        }
    }
}
