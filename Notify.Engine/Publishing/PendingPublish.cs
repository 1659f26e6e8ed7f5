using System.Diagnostics;
using Notify.Engine.Observability;
using Notify.Storage.Log;

namespace Notify.Engine.Publishing;

/// <summary>
/// The entries of one request on their way to the log, and its answer. They are appended together: a batch is never
/// split. The answer's continuations run elsewhere, so that the append loop does not wait for a response to be written.
/// </summary>
internal sealed class PendingPublish(NewEntry[] entries, long startedAt)
    : TaskCompletionSource<PublishOutcome[]>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public NewEntry[] Entries => entries;

    /// <summary>A time stamp of the TimeProvider.</summary>
    public long StartedAt => startedAt;

    /// <summary>The publisher's trace context; the default without a listener.</summary>
    public ActivityContext Trace { get; } = NotifyTraces.Current;

    /// <summary>What it counts for in the queue's limit.</summary>
    public int Bytes { get; } = BytesOf(entries);

    /// <summary>The same refusal for all of it; false when it was answered before.</summary>
    public bool TryRefuse(PublishOutcome.Refused refusal)
    {
        var outcomes = new PublishOutcome[entries.Length];
        Array.Fill(outcomes, refusal);
        return TrySetResult(outcomes);
    }

    private static int BytesOf(NewEntry[] entries)
    {
        var bytes = 0;
        foreach (var entry in entries) bytes += LogLimits.EstimatedBytes(entry.Content.Length);
        return bytes;
    }
}
