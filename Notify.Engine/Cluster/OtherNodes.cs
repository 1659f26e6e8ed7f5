namespace Notify.Engine.Cluster;

/// <summary>
/// Whether there may be somebody to tell. Every node says hello now and then; who hears itself and nobody else is alone, and need not
/// tell each append to nobody. Who does not even hear itself cannot know.
/// </summary>
internal sealed class OtherNodes(TimeProvider time)
{
    public static readonly TimeSpan HelloInterval = TimeSpan.FromSeconds(5);

    /// <summary>Two hellos may be lost.</summary>
    public static readonly TimeSpan Silence = 3 * HelloInterval;

    private long _heardOther = time.GetTimestamp();
    private long _heardSelf = time.GetTimestamp();
    private TaskCompletionSource _nextOfSelf = NewSignal();
    private volatile bool _hasHeardSelf;

    public bool MayBeThere => IsRecent(ref _heardOther) || !IsRecent(ref _heardSelf);

    /// <summary>Another node is there, or it cannot be known yet. Whether this node was alone before.</summary>
    public bool Heard()
    {
        var wasAlone = !MayBeThere;
        Interlocked.Exchange(ref _heardOther, time.GetTimestamp());
        return wasAlone;
    }

    /// <summary>The last hello of its own, or one that somebody asked for meanwhile, has come back.</summary>
    public bool HasJustHeardSelf => _hasHeardSelf && time.GetElapsedTime(Volatile.Read(ref _heardSelf)) < HelloInterval;

    /// <summary>Completes when this node hears itself the next time.</summary>
    public Task NextOfSelf => Volatile.Read(ref _nextOfSelf).Task;

    public void HeardSelf()
    {
        Volatile.Write(ref _heardSelf, time.GetTimestamp());
        _hasHeardSelf = true;
        Interlocked.Exchange(ref _nextOfSelf, NewSignal()).TrySetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool IsRecent(ref long heard) => time.GetElapsedTime(Volatile.Read(ref heard)) < Silence;
}
