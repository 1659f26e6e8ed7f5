using System.Runtime.InteropServices;
using Notify.Storage.Log;

namespace Notify.Storage.Postgres;

/// <summary>The entries of a batch by column, as the insert takes them.</summary>
/// <remarks>What most batches have none of (names, times to live, keys) is left empty: unnest fills up with nulls.</remarks>
internal sealed class PostgresAppendArrays
{
    private PostgresAppendArrays(int count)
    {
        Ids = new Guid[count];
        Kinds = new short[count];
        Topics = new int?[count];
        Nths = new long[count];
        Contents = new ReadOnlyMemory<byte>[count];
    }

    public Guid[] Ids { get; }
    public short[] Kinds { get; }

    /// <summary>Each topic of the batch once.</summary>
    public long[] TopicIds { get; private set; } = [];

    /// <summary>Where each topic's sequence stands, as far as the session knows.</summary>
    public long[] Sequences { get; private set; } = [];

    /// <summary>The entry's topic: its position in <see cref="TopicIds"/>, from 1 as Postgres counts; null for an internal entry.</summary>
    public int?[] Topics { get; }

    /// <summary>The ordinal within its topic in this batch; 0 for an internal entry.</summary>
    public long[] Nths { get; }

    public ReadOnlyMemory<byte>[] Contents { get; }

    /// <summary>Of internal entries, and of those with a key: their answers keep the topic's name.</summary>
    public string?[] Names { get; private init; } = [];

    public long?[] Ttls { get; private init; } = [];
    public string?[] Publishers { get; private init; } = [];
    public string?[] Keys { get; private init; } = [];
    public ReadOnlyMemory<byte>?[] Hashes { get; private init; } = [];

    /// <param name="entries">In their order.</param>
    /// <param name="topics">What the session knows of their topics.</param>
    /// <param name="batchTopics">Cleared and filled; of the session, which appends one batch at a time.</param>
    public static PostgresAppendArrays Of(IReadOnlyList<NewEntry> entries, PostgresTopics topics, PostgresBatchTopics batchTopics)
    {
        var (keyed, named, timed) = (false, false, false);
        foreach (var entry in entries)
        {
            keyed |= entry.Key is not null;
            named |= entry.Key is not null || entry.Kind != EntryKind.Notification;
            timed |= entry.TtlSeconds is not null;
        }

        var arrays = new PostgresAppendArrays(entries.Count)
        {
            Names = named ? [.. entries.Select(entry => entry.Topic)] : [],
            Ttls = timed ? [.. entries.Select(entry => LogLimits.Ttl(entry.TtlSeconds))] : [],
            Publishers = keyed ? [.. entries.Select(entry => entry.Key?.Publisher)] : [],
            Keys = keyed ? [.. entries.Select(entry => entry.Key?.Key)] : [],
            Hashes = keyed ? [.. entries.Select(entry => entry.Key?.RequestHash)] : [],
        };
        arrays.Fill(entries, topics, batchTopics);
        return arrays;
    }

    /// <summary>The sequence of each entry within its topic; 0 for an internal one.</summary>
    /// <param name="before">Where each topic's sequence stood before the batch.</param>
    public long[] SequencesAfter(long[] before)
    {
        var sequences = new long[Nths.Length];
        for (var i = 0; i < sequences.Length; i++)
        {
            if (Topics[i] is { } topic) sequences[i] = before[topic - 1] + Nths[i];
        }

        return sequences;
    }

    private void Fill(IReadOnlyList<NewEntry> entries, PostgresTopics known, PostgresBatchTopics topics)
    {
        topics.Clear();
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            (Ids[i], Kinds[i], Contents[i]) = (entry.Id, (short)entry.Kind, entry.Content);
            if (entry.Kind != EntryKind.Notification) continue;
            (Topics[i], Nths[i]) = topics.Count(known.Find(entry.Topic));
        }

        (TopicIds, Sequences) = ([.. topics.Ids], [.. topics.Sequences]);
    }
}

/// <summary>The topics of one batch, each once, with how many entries of it were counted. Used again for every batch.</summary>
internal sealed class PostgresBatchTopics
{
    private readonly Dictionary<long, (int Position, long Entries)> _places = [];

    public List<long> Ids { get; } = [];
    public List<long> Sequences { get; } = [];

    public void Clear()
    {
        _places.Clear();
        Ids.Clear();
        Sequences.Clear();
    }

    /// <summary>One more entry of the topic: the topic's position, from 1, and the entry's ordinal within it.</summary>
    public (int Position, long Nth) Count(PostgresTopic topic)
    {
        ref var place = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, topic.Id, out var isKnown);
        if (!isKnown)
        {
            Ids.Add(topic.Id);
            Sequences.Add(topic.Sequence);
            place.Position = Ids.Count;
        }

        return (place.Position, ++place.Entries);
    }
}
