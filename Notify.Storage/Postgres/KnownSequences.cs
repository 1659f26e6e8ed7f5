using Notify.Storage.Inbox;

namespace Notify.Storage.Postgres;

/// <summary>
/// How many notifications a topic had up to a version, as earlier counts found it. What a snapshot shows at or below its head never
/// changes within an epoch of the log, whatever retention removes, so an inbox that is counted again looks up only what is new.
/// </summary>
internal sealed class KnownSequences
{
    /// <summary>About 60 bytes each. Twice as many are kept at most; those that were not asked for meanwhile go first.</summary>
    private const int AGeneration = 100_000;

    private readonly Lock _gate = new();
    private Dictionary<(long Topic, long Version), long> _young = [];
    private Dictionary<(long Topic, long Version), long> _old = [];
    private Guid _epoch;

    /// <summary>Of each range the sequence of its first notification and of its last; null where it is not known.</summary>
    public (long?[] First, long?[] Last) Find(Guid epoch, IReadOnlyList<TopicRange> ranges)
    {
        var (first, last) = (new long?[ranges.Count], new long?[ranges.Count]);
        lock (_gate)
        {
            for (var i = 0; i < ranges.Count && epoch == _epoch; i++)
                (first[i], last[i]) = (Find(ranges[i].TopicId, ranges[i].After) + 1, Find(ranges[i].TopicId, ranges[i].Through));
        }

        return (first, last);
    }

    /// <summary>Ranges, and the sequences with which they begin and end.</summary>
    public void Add(Guid epoch, IEnumerable<(TopicRange Range, long First, long Last)> found)
    {
        lock (_gate)
        {
            if (epoch != _epoch) (_epoch, _young, _old) = (epoch, [], []);
            foreach (var (range, first, last) in found)
            {
                Add((range.TopicId, range.After), first - 1);
                Add((range.TopicId, range.Through), last);
            }
        }
    }

    private long? Find(long topic, long version)
    {
        if (_young.TryGetValue((topic, version), out var sequence)) return sequence;
        if (!_old.TryGetValue((topic, version), out sequence)) return null;
        Add((topic, version), sequence);
        return sequence;
    }

    private void Add((long Topic, long Version) at, long sequence)
    {
        if (_young.Count >= AGeneration) (_old, _young) = (_young, []);
        _young[at] = sequence;
    }
}
