using System.Runtime.InteropServices;
using Notify.Storage.Log;

namespace Notify.Storage.Postgres;

/// <summary>The entries of a batch by column, as the insert takes them. Filled anew for every batch of a connection, which appends one at a time.</summary>
/// <remarks>What most batches have none of (names, times to live, keys) is left empty: unnest fills up with nulls.</remarks>
internal sealed class PostgresAppendColumns
{
    private readonly Dictionary<long, (int Position, long Entries)> _places = [];

    public List<Guid> Ids { get; } = [];
    public List<short> Kinds { get; } = [];

    /// <summary>Each topic of the batch once.</summary>
    public List<long> TopicIds { get; } = [];

    /// <summary>Where each topic's sequence stands, as far as the session knows.</summary>
    public List<long> Sequences { get; } = [];

    /// <summary>The entry's topic: its position in <see cref="TopicIds"/>, from 1 as Postgres counts; null for an internal entry.</summary>
    public List<int?> Topics { get; } = [];

    /// <summary>The ordinal within its topic in this batch; 0 for an internal entry.</summary>
    public List<long> Nths { get; } = [];

    public List<ReadOnlyMemory<byte>> Contents { get; } = [];

    /// <summary>Of internal entries, and of those with a key: their answers keep the topic's name.</summary>
    public List<string?> Names { get; } = [];

    public List<long?> Ttls { get; } = [];
    public List<string?> Publishers { get; } = [];
    public List<string?> Keys { get; } = [];
    public List<ReadOnlyMemory<byte>?> Hashes { get; } = [];

    /// <summary>Fills the columns with this batch alone.</summary>
    /// <param name="entries">In their order.</param>
    /// <param name="topics">What the session knows of their topics.</param>
    public void Fill(IReadOnlyList<NewEntry> entries, PostgresTopics topics)
    {
        Clear();
        var (keyed, named, timed) = (false, false, false);
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            keyed |= entry.Key is not null;
            named |= entry.Key is not null || entry.Kind != EntryKind.Notification;
            timed |= entry.TtlSeconds is not null;
            Ids.Add(entry.Id);
            Kinds.Add((short)entry.Kind);
            Contents.Add(entry.Content);
            var (position, nth) = entry.Kind == EntryKind.Notification ? Count(topics.Find(entry.Topic)) : default((int?, long));
            Topics.Add(position);
            Nths.Add(nth);
        }

        if (named) Names.AddRange(entries.Select(entry => entry.Topic));
        if (timed) Ttls.AddRange(entries.Select(entry => LogLimits.Ttl(entry.TtlSeconds)));
        if (!keyed) return;
        Publishers.AddRange(entries.Select(entry => entry.Key?.Publisher));
        Keys.AddRange(entries.Select(entry => entry.Key?.Key));
        Hashes.AddRange(entries.Select(entry => entry.Key?.RequestHash));
    }

    /// <summary>Lets go of the batch, whose contents would be held until the next one.</summary>
    public void Clear()
    {
        _places.Clear();
        Ids.Clear();
        Kinds.Clear();
        TopicIds.Clear();
        Sequences.Clear();
        Topics.Clear();
        Nths.Clear();
        Contents.Clear();
        Names.Clear();
        Ttls.Clear();
        Publishers.Clear();
        Keys.Clear();
        Hashes.Clear();
    }

    /// <summary>The sequence of each entry within its topic; 0 for an internal one.</summary>
    /// <param name="before">Where each topic's sequence stood before the batch.</param>
    public long[] SequencesAfter(IReadOnlyList<long> before)
    {
        var sequences = new long[Nths.Count];
        for (var i = 0; i < sequences.Length; i++)
        {
            if (Topics[i] is { } topic) sequences[i] = before[topic - 1] + Nths[i];
        }

        return sequences;
    }

    /// <summary>One more entry of the topic: the topic's position, from 1, and the entry's ordinal within it.</summary>
    private (int? Position, long Nth) Count(PostgresTopic topic)
    {
        ref var place = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, topic.Id, out var isKnown);
        if (!isKnown)
        {
            TopicIds.Add(topic.Id);
            Sequences.Add(topic.Sequence);
            place.Position = TopicIds.Count;
        }

        return (place.Position, ++place.Entries);
    }
}
