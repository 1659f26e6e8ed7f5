using System.Collections.Concurrent;
using Notify.Contracts.Topics;

namespace Notify.Engine.Delivery.Routing;

/// <summary>Which session of this node holds which filter. Changed by hub calls, disconnects and people's entries, read by the dispatcher.</summary>
internal sealed class Router
{
    private readonly Lock _gate = new();
    private readonly FilterIndex _index = new();
    private readonly ConcurrentQueue<Subscriber> _ended = new();

    /// <summary>What the filters' numbers stand for. A session reads the names of the filters that it holds.</summary>
    public FilterNames Names => _index.Names;

    /// <summary>Runs a change of what one session holds in the index.</summary>
    /// <remarks>It must not wait for anything, and never takes a session's gate: sessions call it under theirs.</remarks>
    public void Change<TState>(TState state, Action<FilterIndex, TState> change)
    {
        lock (_gate) change(_index, state);
    }

    /// <summary>The number of a filter; 0 when nobody holds it.</summary>
    public int Find(TopicFilter filter)
    {
        lock (_gate) return _index.Find(filter);
    }

    /// <summary>Notes from now on which filters are followed by more or fewer than before; null: no longer.</summary>
    public void NoteChanges(FilterChanges? changes)
    {
        lock (_gate) _index.Changed = changes is null ? null : changes.Add;
    }

    /// <summary>An interest in the index has an end: it leaves once the dispatcher has passed that.</summary>
    public void NoteEnded(Subscriber session) => _ended.Enqueue(session);

    /// <summary>Takes what has ended out of the index.</summary>
    /// <param name="dispatched">Every live session was offered everything up to here.</param>
    public void SweepEnded(long dispatched)
    {
        for (var left = _ended.Count; left > 0 && _ended.TryDequeue(out var session); left--)
        {
            if (!session.SweepEnded(dispatched)) _ended.Enqueue(session);
        }
    }

    /// <summary>Calls <paramref name="visit"/> with the holders of each matching filter. It must not wait: sessions subscribe meanwhile.</summary>
    public void Match<TState>(string topic, List<int> scratch, TState state, HoldersVisitor<TState> visit)
    {
        lock (_gate)
        {
            scratch.Clear();
            _index.Match(topic, scratch);
            foreach (var filter in scratch) visit(_index.HoldersOf(filter), state);
        }
    }
}

internal delegate void HoldersVisitor<in TState>(Holders holders, TState state);
