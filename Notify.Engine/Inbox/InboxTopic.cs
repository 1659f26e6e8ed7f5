using Notify.Contracts.Topics;
using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Engine.Inbox;

/// <summary>A topic that something can have come from to one user: when it did, and what was marked up to a version.</summary>
internal sealed class InboxTopic
{
    private readonly List<Interval> _held = [];

    public InboxTopic(LogTopic topic, IEnumerable<InboxStep> steps)
    {
        Topic = topic;
        Steps = [.. steps.OrderBy(step => step.Order)];
        foreach (var step in Steps)
        {
            Seen = Math.Max(Seen, step.UpTo);
            if (step.Operation != InboxOperation.Seen) Read = Math.Max(Read, step.UpTo);
            if (step.Operation == InboxOperation.Archive) Archived = Math.Max(Archived, step.UpTo);
        }
    }

    public LogTopic Topic { get; }

    /// <summary>Marks up to versions that are for this topic, in the order in which they were made.</summary>
    public IReadOnlyList<InboxStep> Steps { get; }

    /// <summary>Everything up to here is seen, read, archived, unless it was marked by itself.</summary>
    public long Seen { get; }
    public long Read { get; }
    public long Archived { get; }

    public void Add(Interval held) => _held.Add(held);

    public bool Holds(long version) => _held.Exists(interval => interval.Holds(version));

    /// <summary>The lowest version of this topic that is kept: what is the user's own or of a group is kept longer than the log.</summary>
    public long KeptFrom(IInboxSnapshot snapshot) => TopicName.IsReserved(Topic.Name) ? snapshot.KeptFrom : snapshot.Head.Oldest;

    /// <summary>
    /// The versions above one and up to another in which it held and that are kept, each once although several interests brought
    /// it, and each range on one side of the log's oldest version.
    /// </summary>
    public IEnumerable<TopicRange> Ranges(IInboxSnapshot snapshot, long above, long through)
    {
        var lastKept = snapshot.Head.Oldest - 1;
        foreach (var range in Ranges(Math.Max(above, KeptFrom(snapshot) - 1), through))
        {
            if (range.After < lastKept && range.Through > lastKept)
            {
                yield return range with { Through = lastKept };
                yield return range with { After = lastKept };
            }
            else yield return range;
        }
    }

    private IEnumerable<TopicRange> Ranges(long above, long through)
    {
        _held.Sort((a, b) => a.Since.CompareTo(b.Since));
        var after = above;
        var end = long.MinValue; // of the range that is open
        foreach (var interval in _held)
        {
            var (since, until) = (Math.Max(interval.Since, above), Math.Min(interval.Until, through));
            if (since >= until) continue;
            if (end == long.MinValue) (after, end) = (since, until);
            else if (since <= end) end = Math.Max(end, until);
            else
            {
                yield return new TopicRange(Topic.Id, after, end);
                (after, end) = (since, until);
            }
        }

        if (end != long.MinValue) yield return new TopicRange(Topic.Id, after, end);
    }
}
