namespace Notify.Engine.Cluster;

/// <summary>
/// Whether there may be other nodes. Every node sends a hello now and then; a node that receives its own and no other is alone, and need not
/// send hints. A node that does not even receive its own hello cannot know.
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

    /// <summary>This node has received its own last hello, or one that was requested meanwhile.</summary>
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
