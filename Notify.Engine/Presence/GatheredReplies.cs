namespace Notify.Engine.Presence;

/// <summary>What the nodes answered to one question.</summary>
internal sealed class GatheredReplies(IReadOnlyCollection<Guid> others)
{
    private const int MostParts = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, PresenceReply?[]> _nodes = [];
    private readonly TaskCompletionSource _complete = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when every node that holds a lease has answered.</summary>
    public Task Complete => _complete.Task;

    /// <summary>A node has not answered, or not all of it arrived.</summary>
    public bool IsPartial
    {
        get
        {
            lock (_gate) return !IsComplete;
        }
    }

    /// <summary>What was explained, of every node that answered.</summary>
    public IReadOnlyList<ExplainedConnection> Explained
    {
        get
        {
            lock (_gate)
                return [.. _nodes.Values.SelectMany(parts => parts).SelectMany(part => part?.Explained ?? [])
                    .OrderBy(one => one.Connection.Place, StringComparer.Ordinal)];
        }
    }

    private bool IsComplete => others.All(node => _nodes.TryGetValue(node, out var parts) && IsWhole(parts));

    public void Take(Guid node, PresenceReply reply)
    {
        if (reply.Parts is < 1 or > MostParts || reply.Part < 0 || reply.Part >= reply.Parts || reply.Count < 0) return;
        lock (_gate)
        {
            if (!_nodes.TryGetValue(node, out var parts) || parts.Length != reply.Parts) _nodes[node] = parts = new PresenceReply?[reply.Parts];
            parts[reply.Part] = reply;
            if (IsComplete) _complete.TrySetResult();
        }
    }

    public PresencePage ToPage(int limit)
    {
        lock (_gate)
        {
            var whole = _nodes.Values.Where(IsWhole).ToList();
            var pages = whole.ConvertAll(parts => parts[0]!);
            var (count, _) = TopicPeople.Union(whole.ConvertAll(PeopleOf));

            // Above the last connection of a node that has more, others of it may come.
            var bound = pages.Where(page => page.HasMore).Select(page => page.Connections[^1].Place).Min(StringComparer.Ordinal);
            var all = pages.SelectMany(page => page.Connections).Where(one => bound is null || string.CompareOrdinal(one.Place, bound) <= 0)
                .OrderBy(one => one.Place, StringComparer.Ordinal).ToList();
            var page = all.Take(limit).ToList();
            var next = page.Count < all.Count ? page[^1].Place : bound;
            var back = page.Where(one => !one.IsGone && one.User is not null).Select(one => (one.User, one.Device)).ToHashSet();
            return new PresencePage(count, page.FindAll(one => !one.IsGone || !back.Contains((one.User, one.Device))), next, !IsComplete);
        }
    }

    private static bool IsWhole(PresenceReply?[] parts) =>
        Array.TrueForAll(parts, part => part is not null) && (!parts[0]!.HasMore || parts[0]!.Connections.Count > 0);

    private static TopicPeople PeopleOf(PresenceReply?[] parts)
    {
        if (parts[0]!.IsAll) return TopicPeople.Of(parts[0]!.Connections);
        return parts.Length > 1 && LetterSplitting.Hashes(parts.Skip(1).Select(part => part!.Hashes ?? [])) is { } hashes
            ? TopicPeople.OfHashes(hashes)
            : TopicPeople.OfCount(parts[0]!.Count);
    }
}
