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

    /// <summary>A node that lives and is not heard for so long is not reached: it starts, says hello, and may lose a few.</summary>
    public static readonly TimeSpan Unreached = 2 * Silence;

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, long> _heard = [];
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

    /// <summary>The same of a node that says which one it is.</summary>
    public bool Heard(Guid node)
    {
        lock (_gate) _heard[node] = time.GetTimestamp();
        return Heard();
    }

    /// <summary>Nodes that share the database, as it says, and have not been heard for long.</summary>
    public IReadOnlyList<Guid> Unheard
    {
        get
        {
            lock (_gate) return [.. _heard.Where(node => time.GetElapsedTime(node.Value) >= Unreached).Select(node => node.Key)];
        }
    }

    /// <summary>The nodes that share the database; told now and then.</summary>
    public void Share(IReadOnlyCollection<Guid> nodes)
    {
        lock (_gate)
        {
            foreach (var gone in _heard.Keys.Except(nodes).ToArray()) _heard.Remove(gone);
            foreach (var node in nodes) _heard.TryAdd(node, time.GetTimestamp()); // a new one has a while to say hello
        }
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
