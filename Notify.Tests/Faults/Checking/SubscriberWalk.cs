namespace Notify.Tests.Faults.Checking;

/// <summary>One epoch of the log as one subscriber saw it: from a start to as far as it came.</summary>
internal sealed class Segment(string epoch, long start)
{
    public string Epoch { get; } = epoch;

    /// <summary>Nothing at or below it was promised.</summary>
    public long Start { get; } = start;

    /// <summary>The subscriber was told that it has everything up to here.</summary>
    public long Cursor { get; set; } = start;

    public Dictionary<long, Seen.Received> Delivered { get; } = [];

    /// <summary>What a Gap said will not come: from (exclusive), to (inclusive).</summary>
    public List<(long From, long To)> Excused { get; } = [];

    public bool Excuses(long version) => Excused.Any(range => version > range.From && version <= range.To);
}

/// <summary>Walks along one journal: what can be said of a subscriber by itself.</summary>
internal sealed class SubscriberWalk(Journal journal, List<Finding> findings)
{
    private bool _owesGap;

    public Journal Journal => journal;

    public List<Segment> Segments { get; } = [];

    public bool SawAnotherEpoch => Segments.Count > 1;

    public Dictionary<(string Topic, string Body), Seen.Received> FirstReceived { get; } = [];

    public void Run()
    {
        foreach (var seen in journal.Events)
        {
            switch (seen)
            {
                case Seen.Resumed resumed:
                    if (Segments.Count == 0) Segments.Add(new Segment(resumed.Epoch, resumed.Since));
                    else if (resumed.Epoch != Segments[^1].Epoch) _owesGap = true;
                    break;
                case Seen.Place place:
                    Pass(place);
                    break;
                case Seen.Gap gap:
                    Skip(gap);
                    break;
                case Seen.Received received:
                    Take(received);
                    break;
            }
        }

        if (journal.DuplicatesDropped > 0) Add(Verdict.Duplicated, 0, $"its client dropped {journal.DuplicatesDropped} that came a second time");
    }

    private void Pass(Seen.Place place)
    {
        if (Segments.Count == 0) Segments.Add(new Segment(place.Epoch ?? "", place.Version));
        var segment = Segments[^1];
        if (place.Epoch is { } epoch && epoch != segment.Epoch)
        {
            Add(Verdict.SilentHole, place.Version, $"the epoch went from {segment.Epoch} to {epoch} without a Gap");
            return;
        }

        segment.Cursor = Math.Max(segment.Cursor, place.Version);
    }

    private void Skip(Seen.Gap gap)
    {
        _owesGap = false;
        if (gap.Reason == "epoch" || Segments.Count == 0)
        {
            Segments.Add(new Segment(gap.Epoch, gap.Oldest - 1));
            return;
        }

        var segment = Segments[^1];
        segment.Excused.Add((segment.Cursor, gap.Oldest - 1));
        segment.Cursor = Math.Max(segment.Cursor, gap.Oldest - 1);
    }

    private void Take(Seen.Received received)
    {
        if (Segments.Count == 0)
        {
            Add(Verdict.Invented, received.Version, "it came before the answer to Resume");
            Segments.Add(new Segment("", received.Version - 1));
        }

        var segment = Segments[^1];
        if (_owesGap)
        {
            _owesGap = false;
            Add(Verdict.SilentHole, received.Version, "the log was another one, and this came without a Gap");
        }

        if (segment.Delivered.TryGetValue(received.Version, out var before))
            Add(before.Id == received.Id ? Verdict.Duplicated : Verdict.TwoContents, received.Version, $"'{received.Body}' after '{before.Body}'");
        else if (received.Version <= segment.Cursor)
            Add(Verdict.Reordered, received.Version, $"'{received.Body}' came when {segment.Cursor} had been reached");
        if (!journal.Topics.Contains(received.Topic)) Add(Verdict.Invented, received.Version, $"topic {received.Topic} was not asked for");

        segment.Delivered.TryAdd(received.Version, received);
        segment.Cursor = Math.Max(segment.Cursor, received.Version);
        FirstReceived.TryAdd((received.Topic, received.Body), received);
    }

    private void Add(Verdict verdict, long version, string what) => findings.Add(new Finding(verdict, journal.Subscriber, version, what));
}
