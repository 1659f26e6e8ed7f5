using Notify.Contracts.Topics;
using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Replay;

/// <summary>
/// How one replay reads a long way back: by the topics its filters mean when these are few and rare, else by scanning. Its
/// topics hold for versions up to the one they were looked up for: later ones may be of topics that did not exist then.
/// </summary>
internal sealed class TopicPlan
{
    /// <summary>The most topics that a replay is read by; with more, a shared scan costs less.</summary>
    public const int MaxTopics = 1000;

    /// <summary>Where at least one in so many is wanted a scan costs less than looking each up, and others may share it.</summary>
    private const int Dense = 2;

    /// <summary>A shared scan of so much costs less than looking topics up; so far it also scans where much is wanted, until it looks again.</summary>
    private const long ShortWay = 8 * BlockCache.Size;

    private long _scansThrough;
    private TopicFilter[] _filters = [];
    private long _validThrough;
    private long[]? _topicIds;

    /// <summary>Whether the next step from here is by topic, as far as was seen of the log.</summary>
    public bool IsByTopic(long cursor) => cursor >= _scansThrough;

    /// <summary>Remembers what a step by topic brought: of the versions between these two so many were wanted.</summary>
    public void Examined(int wanted, long after, long through)
    {
        if ((long)wanted * Dense >= through - after) _scansThrough = through + ShortWay;
    }

    /// <summary>
    /// The topics to read by from <paramref name="cursor"/> up to <paramref name="through"/>, or null where a scan costs less: they are too many, too
    /// much of the log is theirs, or the way is short.
    /// </summary>
    public async ValueTask<long[]?> TopicsAsync(INotificationLog log, TopicFilter[] filters, long cursor, long through, CancellationToken cancellationToken)
    {
        if (through - cursor <= ShortWay || !IsByTopic(cursor)) return null;
        if (through <= _validThrough && filters.AsSpan().SequenceEqual(_filters)) return _topicIds;
        _topicIds = await ResolveAsync(log, filters, cancellationToken);
        (_filters, _validThrough) = (filters, through);
        return _topicIds;
    }

    private static async Task<long[]?> ResolveAsync(INotificationLog log, TopicFilter[] filters, CancellationToken cancellationToken)
    {
        var ids = new HashSet<long>();
        var names = filters.Where(f => f.IsExact).Select(f => f.Text).ToHashSet(StringComparer.Ordinal);
        if (names.Count > 0)
        {
            foreach (var topic in await log.FindTopicsAsync(names, cancellationToken)) ids.Add(topic.Id);
        }

        foreach (var filter in filters.Where(f => !f.IsExact))
        {
            // "a/b/+/c" can only be below "a/b", and "a/b/#" may be "a/b" itself.
            var prefix = string.Join('/', filter.Segments.TakeWhile(s => s is not ("+" or "#")));
            if (prefix.Length == 0) return null;
            var found = await log.FindTopicsByPrefixAsync(prefix, MaxTopics + 1, cancellationToken);
            if (found.Count > MaxTopics) return null;
            foreach (var topic in found)
            {
                if (filter.Matches(topic.Name)) ids.Add(topic.Id);
            }
        }

        return ids.Count <= MaxTopics ? [.. ids] : null;
    }
}
