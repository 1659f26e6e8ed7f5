namespace Notify.Engine.Cluster;

/// <summary>Something that happens again and again, to be waited for: its next time.</summary>
internal sealed class NextTime
{
    private TaskCompletionSource _next = NewSignal();

    /// <summary>Completes when it happens the next time.</summary>
    public Task Task => Volatile.Read(ref _next).Task;

    public void Happened() => Interlocked.Exchange(ref _next, NewSignal()).TrySetResult();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
