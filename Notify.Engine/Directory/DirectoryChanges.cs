using Notify.Engine.Publishing;
using Notify.Engine.Tail;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Directory;

/// <summary>
/// Makes one change of the directory: repeats it while its outcome is unknown, and hands its entry on before it answers. An answer
/// that others must feel waits until this node has applied it.
/// </summary>
internal sealed class DirectoryChanges(INotificationLog log, ICommitObserver committed, TailPosition tail, TimeProvider time)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AppliedWithin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(5);

    private static readonly DirectoryLimits Limits = new(1000, 1000); // of changes that this is not for

    /// <exception cref="StorageUnavailableException">Nothing was changed.</exception>
    /// <exception cref="AppendOutcomeUnknownException">The change may have been made.</exception>
    public async Task<ChangeOutcome> ChangeAsync(DirectoryChange change)
    {
        // The id names the attempt, whoever waits for it: a repeat changes nothing twice.
        var batch = new ChangeBatch(Guid.CreateVersion7(), [change], Limits);
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                var result = await log.Directory.ChangeAsync(batch, CancellationToken.None);
                if (result.Stored.Count > 0) committed.Committed(result.Epoch, result.Stored);
                await AppliedAsync(result);
                return result.Outcomes[0];
            }
            catch (AppendOutcomeUnknownException) when (time.GetElapsedTime(started) < Deadline)
            {
                await Task.Delay(Pause, time);
            }
        }
    }

    private async Task AppliedAsync(ChangeResult result)
    {
        var started = time.GetTimestamp();
        while (result.Stored.Count > 0 && tail.View is { } view && view.EpochId == result.Epoch && tail.Dispatched < result.Stored[^1].Version && time.GetElapsedTime(started) < AppliedWithin)
            await Task.Delay(Look, time);
    }
}
