namespace Notify.Engine.Cluster;

/// <summary>
/// Whether there may be other nodes. Every node sends a hello now and then; a node that receives its own and no other is alone, and need not
/// send hints. It knows that after a while of silence, or at once when the database names no other node. A node that does not even receive its own
/// hello cannot know.
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
    private long? _heardOther;
    private long? _uncertain = time.GetTimestamp(); // since the start, or since nothing could be heard
    private long? _heardSelf;
    private readonly NextTime _nextOfSelf = new();
    private readonly NextTime _nextListening = new();

    public bool MayBeThere
    {
        get
        {
            lock (_gate) return IsRecent(_heardOther) || IsRecent(_uncertain) || !IsRecent(_heardSelf);
        }
    }

    /// <summary>This node begins to listen: others may have come unheard. Whether it was alone before.</summary>
    public bool BeginToListen()
    {
        lock (_gate)
        {
            var wasAlone = !MayBeThere;
            _uncertain = time.GetTimestamp();
            _nextListening.Happened();
            return wasAlone;
        }
    }

    /// <summary>Completes when this node begins to listen the next time: what the database says of other nodes is wanted then.</summary>
    public Task NextListening => _nextListening.Task;

    /// <summary>Another node is there. Whether this node was alone before.</summary>
    public bool Heard(Guid node)
    {
        lock (_gate)
        {
            var wasAlone = !MayBeThere;
            _heardOther = _heard[node] = time.GetTimestamp();
            return wasAlone;
        }
    }

    /// <summary>Nodes that share the database, as it says, and have not been heard for long.</summary>
    public IReadOnlyList<Guid> Unheard
    {
        get
        {
            lock (_gate) return [.. _heard.Where(node => time.GetElapsedTime(node.Value) >= Unreached).Select(node => node.Key)];
        }
    }

    /// <summary>The other nodes that share the database; told now and then. None: what was heard is all there is.</summary>
    public void Share(IReadOnlyCollection<Guid> nodes)
    {
        lock (_gate)
        {
            if (nodes.Count == 0) _uncertain = null;
            foreach (var gone in _heard.Keys.Except(nodes).ToArray()) _heard.Remove(gone);
            foreach (var node in nodes) _heard.TryAdd(node, time.GetTimestamp()); // a new one has a while to say hello
        }
    }

    /// <summary>This node has received its own last hello, or one that was requested meanwhile.</summary>
    public bool HasJustHeardSelf
    {
        get
        {
            lock (_gate) return IsWithin(HelloInterval, _heardSelf);
        }
    }

    /// <summary>Completes when this node hears itself the next time.</summary>
    public Task NextOfSelf => _nextOfSelf.Task;

    public void HeardSelf()
    {
        lock (_gate) _heardSelf = time.GetTimestamp();
        _nextOfSelf.Happened();
    }

    private bool IsRecent(long? since) => IsWithin(Silence, since);

    private bool IsWithin(TimeSpan span, long? since) => since is { } stamp && time.GetElapsedTime(stamp) < span;
}
