using System.Runtime.InteropServices;
using Notify.Storage.Log;

namespace Notify.Storage.Postgres;

/// <summary>
/// What an append session remembers of topics: their ids, and where their sequences stood when the log's head was at
/// <see cref="AsOf"/>. Of one connection and so of one server: it goes with it.
/// </summary>
/// <remarks>
/// While no other session appends, the memory moves along with the session's own appends. Otherwise it stays where it
/// is, and each append looks up what has come since, until the session has been alone again for a while.
/// </remarks>
internal sealed class PostgresTopics
{
    /// <summary>About 150 bytes each. More are forgotten, all at once, and read anew as they come.</summary>
    private const int Kept = 200_000;

    /// <summary>Appends in a row without another session's, after which reading the topics anew costs less than looking up.</summary>
    private const int AloneAgain = 8;

    private readonly Dictionary<string, PostgresTopic> _known = new(StringComparer.Ordinal);
    private long _last;
    private int _alone;

    /// <summary>The epoch of the log in which the topics were read.</summary>
    public Guid Epoch { get; private set; }

    /// <summary>How often topics had been removed when the first of them was read: any of them may be gone when it was more often since.</summary>
    public long Removed { get; private set; }

    /// <summary>The version up to which the sequences are complete.</summary>
    public long AsOf { get; private set; }

    /// <summary>Nothing was read yet, or nothing is worth keeping.</summary>
    public bool IsEmpty { get; private set; } = true;

    public bool Knows(string name) => _known.ContainsKey(name);

    /// <summary>Which of these entries' topics have to be read first.</summary>
    public string[] Unknown(IReadOnlyList<NewEntry> entries)
    {
        if (_known.Count + entries.Count > Kept) Forget();
        HashSet<string>? unknown = null;
        foreach (var entry in entries)
        {
            if (entry.Kind == EntryKind.Notification && !_known.ContainsKey(entry.Topic)) (unknown ??= new(StringComparer.Ordinal)).Add(entry.Topic);
        }

        return unknown is null ? [] : [.. unknown];
    }

    /// <summary>The head in whose snapshot topics were read; an older one that is known already is as true for the new ones.</summary>
    public void Begin(Guid epoch, long head, long removed)
    {
        if (!IsEmpty) return;
        (Epoch, AsOf, _last, Removed, IsEmpty) = (epoch, head, head, removed, false);
    }

    public void Add(string name, PostgresTopic topic) => _known[name] = topic;

    public PostgresTopic Find(string name) => _known[name];

    /// <summary>The append is committed: its entries stand after <paramref name="before"/>, with these sequences.</summary>
    public void Appended(IReadOnlyList<NewEntry> entries, long before, ReadOnlySpan<long> sequences)
    {
        Move(before, entries.Count);
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i].Kind != EntryKind.Notification) continue;
            ref var topic = ref CollectionsMarshal.GetValueRefOrAddDefault(_known, entries[i].Topic, out _);
            topic = topic with { Sequence = sequences[i] };
        }

        if (AsOf < _last && _alone >= AloneAgain) Forget();
    }

    /// <summary>The session has stored this many internal entries: no topic's sequence moved.</summary>
    public void Passed(long before, int entries)
    {
        Move(before, entries);
        if (AsOf < _last && _alone >= AloneAgain) Forget();
    }

    private void Move(long before, int entries)
    {
        _alone = before == _last ? _alone + 1 : 0;
        if (before == AsOf) AsOf += entries;
        _last = before + entries;
    }

    public void Forget()
    {
        _known.Clear();
        _alone = 0;
        IsEmpty = true;
    }
}

/// <summary>A topic, and the sequence of its last notification.</summary>
internal readonly record struct PostgresTopic(long Id, long Sequence);
