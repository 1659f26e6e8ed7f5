using System.Collections.Concurrent;
using System.Threading.Channels;
using Notify.Engine.Cluster;

namespace Notify.Engine.Presence;

/// <summary>
/// Asks every node for its connections and answers within a second; a result that lacks a node is marked as partial.
/// </summary>
internal sealed class PresenceQueries : NodeService
{
    private static readonly TimeSpan Within = TimeSpan.FromMilliseconds(800);

    /// <summary>Questions of other nodes that wait; more are not answered.</summary>
    private const int MostWaiting = 256;

    private readonly Channel<PresenceQuestion> _asked = Channel.CreateBounded<PresenceQuestion>(
        new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

    private readonly ConcurrentDictionary<Guid, GatheredReplies> _open = new();
    private readonly PresenceLink _link;
    private readonly NodeLeases _leases;
    private readonly LocalPresence _local;
    private readonly PresenceMetrics _metrics;
    private readonly TimeProvider _time;

    public PresenceQueries(PresenceLink link, NodeLeases leases, LocalPresence local, PresenceMetrics metrics, TimeProvider time)
    {
        (_link, _leases, _local, _metrics, _time) = (link, leases, local, metrics, time);
        link.Received += Take;
    }

    /// <summary>A page of the connections that follow a topic, and how many people they are.</summary>
    public async Task<PresencePage> OfTopicAsync(string topic, string? after, int limit, CancellationToken cancellationToken)
    {
        var replies = await AskAsync(new PresenceQuestion(Guid.NewGuid()) { Topic = topic, After = after, Limit = limit }, cancellationToken);
        return replies.ToPage(limit);
    }

    /// <summary>The connections of a user, and whether a node was missing.</summary>
    public async Task<PresencePage> OfUserAsync(string user, int limit, CancellationToken cancellationToken)
    {
        var replies = await AskAsync(new PresenceQuestion(Guid.NewGuid()) { User = user, Limit = limit }, cancellationToken);
        return replies.ToPage(limit);
    }

    /// <summary>What the user's connections bring to a version of a topic, and whether a node was missing.</summary>
    public async Task<(IReadOnlyList<ExplainedConnection> Connections, bool IsPartial)> ExplainAsync(string user, long version, string topic,
        CancellationToken cancellationToken)
    {
        var replies = await AskAsync(new PresenceQuestion(Guid.NewGuid()) { User = user, Topic = topic, Version = version }, cancellationToken);
        return (replies.Explained, replies.IsPartial);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var question in _asked.Reader.ReadAllAsync(stoppingToken))
            {
                foreach (var reply in Answer(question, _link.Bytes)) _link.Send(new PresenceLetter { Reply = reply });
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task<GatheredReplies> AskAsync(PresenceQuestion question, CancellationToken cancellationToken)
    {
        var others = _link.Crosses ? _leases.Nodes.Where(node => node != _leases.Node).ToArray() : [];
        var replies = new GatheredReplies(others);
        _open[question.Id] = replies;
        try
        {
            if (_link.Crosses) _link.Send(new PresenceLetter { Question = question });
            foreach (var part in Answer(question, int.MaxValue)) replies.Take(_leases.Node, part);
            if (others.Length > 0) await replies.Complete.WaitAsync(Within, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            _open.TryRemove(question.Id, out _);
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (replies.IsPartial) _metrics.Partial();
        return replies;
    }

    private void Take(Guid node, PresenceLetter letter)
    {
        if (letter.Question is { } question) _asked.Writer.TryWrite(question);
        if (letter.Reply is { } reply && _open.TryGetValue(reply.Id, out var replies)) replies.Take(node, reply);
    }

    private List<PresenceReply> Answer(PresenceQuestion question, int bytes)
    {
        if (question.Version > 0) return Explain(question, bytes);
        var connections = question.Topic is { } topic ? _local.Following(topic) : question.User is { } user ? _local.OfUser(user) : [];
        var people = TopicPeople.Of(connections);
        var above = connections.Where(connection => question.After is null || string.CompareOrdinal(connection.Place, question.After) > 0)
            .OrderBy(connection => connection.Place, StringComparer.Ordinal).ToList();
        var fitting = LetterSplitting.Fitting(above, Math.Clamp(question.Limit, 1, PresencePage.MostLimit), bytes);
        var page = new PresenceReply(question.Id, 0, 1, people.Count)
        {
            Connections = above.GetRange(0, fitting),
            HasMore = fitting < above.Count,
            IsAll = fitting == connections.Count,
        };
        if (page.IsAll || people.ToHashes() is not { } hashes) return [page];
        var pieces = LetterSplitting.Hashes(hashes, Math.Min(bytes, LetterSplitting.MostBytes)).ToList();
        return [page with { Parts = pieces.Count + 1 },
            .. pieces.Select((piece, i) => new PresenceReply(question.Id, i + 1, pieces.Count + 1, people.Count) { Hashes = piece })];
    }

    private List<PresenceReply> Explain(PresenceQuestion question, int bytes)
    {
        var chunks = LetterSplitting.Explained(_local.Explain(question.User ?? "", question.Version, question.Topic ?? ""), bytes).ToList();
        return chunks.Count == 0
            ? [new PresenceReply(question.Id, 0, 1, 0)]
            : [.. chunks.Select((chunk, i) => new PresenceReply(question.Id, i, chunks.Count, 0) { Explained = chunk })];
    }
}

/// <summary>A page of connections, over all nodes.</summary>
/// <param name="Count">How many people there are in all.</param>
/// <param name="Connections">In the order of their places.</param>
/// <param name="Next">The place that the next page begins after; null at the end.</param>
/// <param name="IsPartial">A node did not answer.</param>
internal sealed record PresencePage(int Count, IReadOnlyList<LocalConnection> Connections, string? Next, bool IsPartial)
{
    /// <summary>The largest page.</summary>
    public const int MostLimit = 1000;
}
