using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Engine.Delivery.Routing;

/// <summary>Which session of this node holds which filter. Changed by hub calls, disconnects and people's entries, read by the dispatcher.</summary>
internal sealed class Router
{
    private readonly Lock _gate = new();
    private readonly FilterIndex _index = new();

    /// <summary>Runs a change of one session's interests: the index and the session's slots change together.</summary>
    /// <remarks>It must not wait for anything, and never takes a session's gate: sessions call it under theirs.</remarks>
    public void Change<TState>(TState state, Action<FilterIndex, TState> change)
    {
        lock (_gate) change(_index, state);
    }

    /// <summary>Calls <paramref name="visit"/> with the holders of each matching filter. It must not wait: sessions subscribe meanwhile.</summary>
    public void Match<TState>(string topic, List<InterestList> scratch, TState state, HoldersVisitor<TState> visit)
    {
        lock (_gate)
        {
            scratch.Clear();
            _index.Match(topic, scratch);
            foreach (var list in scratch) visit(list.Holders, state);
        }
    }
}

internal delegate void HoldersVisitor<in TState>(ReadOnlySpan<Interests> holders, TState state);
