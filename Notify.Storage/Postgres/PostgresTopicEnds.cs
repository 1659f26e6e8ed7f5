using Notify.Storage.Inbox;

namespace Notify.Storage.Postgres;

/// <summary>A part of a range that was asked for.</summary>
internal readonly record struct RangePart(int Position, TopicRange Range);

/// <summary>
/// Where a snapshot need not look into partitions: those that are full are written down topic by topic (<c>topic_ends</c>), and a
/// topic's row says up to where it was in use. So a topic that has been quiet costs nothing, whatever the number of partitions.
/// </summary>
internal sealed class PostgresTopicEnds
{
    private readonly List<(long After, long Until)> _partitions = []; // that follow each other without a hole, the last one first
    private readonly Dictionary<long, long> _used = [];

    /// <summary>The partitions that are written down hold the versions above the one and up to the other.</summary>
    private long After => _partitions.Count == 0 ? 0 : _partitions[^1].After;
    private long Until => _partitions.Count == 0 ? 0 : _partitions[0].Until;

    /// <summary>From the last one down.</summary>
    public void AddPartition(long after, long until)
    {
        if (_partitions.Count == 0 || until == _partitions[^1].After) _partitions.Add((after, until));
    }

    public void AddTopic(long topic, long used) => _used[topic] = used;

    /// <summary>For counting: what is in no such partition, what is a part of one, and what is whole ones.</summary>
    public void Split(int position, TopicRange range, List<RangePart> rows, List<RangePart> inside, List<RangePart> whole)
    {
        if (Within(range) is not { } ended)
        {
            AddOutside(range, part => rows.Add(new(position, part)));
            return;
        }

        AddOutside(range, part => rows.Add(new(position, part)));
        var (first, last) = (Containing(ended.After + 1), Containing(ended.Through));
        if (first.After == last.After)
        {
            (ended == range with { After = first.After, Through = first.Until } ? whole : inside).Add(new(position, ended));
            return;
        }

        var (after, through) = (ended.After, ended.Through);
        if (after > first.After) inside.Add(new(position, ended with { Through = after = first.Until }));
        if (through < last.Until) inside.Add(new(position, ended with { After = through = last.After }));
        if (after < through) whole.Add(new(position, ended with { After = after, Through = through }));
    }

    /// <summary>For listing: what is in no such partition, and the rest.</summary>
    public void Split(TopicRange range, List<TopicRange> rows, List<TopicRange> ended)
    {
        AddOutside(range, rows.Add);
        if (Within(range) is { } inside) ended.Add(inside);
    }

    private void AddOutside(TopicRange range, Action<TopicRange> add)
    {
        if (range.After < Math.Min(range.Through, After)) add(range with { Through = Math.Min(range.Through, After) });
        if (Math.Max(range.After, Until) < range.Through) add(range with { After = Math.Max(range.After, Until) });
    }

    // Nothing of the topic lies above what it was used up to, as far as the partitions are written down. The range ends with the
    // partition of that version and not in the middle of it: so it is a whole one, which is not looked into.
    private TopicRange? Within(TopicRange range)
    {
        var (after, through) = (Math.Max(range.After, After), Math.Min(range.Through, Until));
        if (after < through && _used.TryGetValue(range.TopicId, out var used))
        {
            if (used <= after) return null;
            if (used < through) through = Math.Min(through, Containing(used).Until);
        }

        return after < through ? range with { After = after, Through = through } : null;
    }

    private (long After, long Until) Containing(long version)
    {
        var (low, high) = (0, _partitions.Count - 1); // the last one is first
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_partitions[middle].After < version) high = middle;
            else low = middle + 1;
        }

        return _partitions[low];
    }
}
