using System.Diagnostics;
using Notify.Engine.Observability;
using Notify.Storage.Log;

namespace Notify.Engine.Publishing;

/// <summary>What a single publish and a batch have in common while they are on their way.</summary>
/// <remarks>The answer's continuations run elsewhere, so that the append loop does not wait for a response to be written.</remarks>
internal abstract class PendingPublish<TAnswer>(int bytes, long startedAt)
    : TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously), IPendingPublish
{
    public abstract int Entries { get; }
    public int Bytes => bytes;
    public long StartedAt => startedAt;
    public ActivityContext Trace { get; } = NotifyTraces.Current;
    public bool IsAnswered => Task.IsCompleted;

    public abstract void CopyTo(Span<NewEntry> entries);
    public abstract void Answer(ReadOnlySpan<PublishOutcome> outcomes);
    public abstract bool TryRefuse(PublishOutcome.Refused refusal);
}

/// <summary>A single publish, without an array for its entry and one for its outcome: most requests are one.</summary>
internal sealed class PendingSingle(NewEntry entry, long startedAt)
    : PendingPublish<PublishOutcome>(LogLimits.EstimatedBytes(entry.Content.Length), startedAt)
{
    public override int Entries => 1;

    public override void CopyTo(Span<NewEntry> entries) => entries[0] = entry;

    public override void Answer(ReadOnlySpan<PublishOutcome> outcomes) => TrySetResult(outcomes[0]);

    public override bool TryRefuse(PublishOutcome.Refused refusal) => TrySetResult(refusal);
}

/// <summary>A batch.</summary>
internal sealed class PendingBatch(NewEntry[] entries, long startedAt) : PendingPublish<PublishOutcome[]>(BytesOf(entries), startedAt)
{
    public override int Entries => entries.Length;

    public override void CopyTo(Span<NewEntry> target) => entries.CopyTo(target);

    public override void Answer(ReadOnlySpan<PublishOutcome> outcomes) => TrySetResult(outcomes.ToArray());

    public override bool TryRefuse(PublishOutcome.Refused refusal)
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
