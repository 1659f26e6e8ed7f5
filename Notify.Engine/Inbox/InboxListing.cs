using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Engine.Inbox;

/// <summary>An item of a page.</summary>
internal readonly record struct InboxListed(LogEntry Entry, InboxState State);

/// <summary>A page of an inbox, newest first.</summary>
/// <param name="Items">At most as many as were asked for.</param>
/// <param name="Next">Below which version the next page begins; null at the end.</param>
/// <param name="Counts">Of the whole inbox, as of the same moment.</param>
internal sealed record InboxPage(IReadOnlyList<InboxListed> Items, long? Next, InboxCounts Counts);

/// <summary>
/// Reads a page of one inbox. A view is, of each topic, the versions on one side of a watermark, without those and with
/// those that were marked by themselves.
/// </summary>
internal sealed class InboxListing(IInboxSnapshot snapshot, InboxOfUser user, InboxView view, CancellationToken cancellationToken)
{
    /// <summary>About so much content in one page; a page of large ones has fewer items.</summary>
    private const int PageBytes = 4 * 1024 * 1024;

    /// <summary>So many of the log's newest are looked at for each item: enough where the user's topics have a quarter of the traffic.</summary>
    private const int ScannedForEach = 4;

    public async Task<(IReadOnlyList<InboxListed> Items, long? Next)> ReadAsync(long before, int limit)
    {
        var chosen = new List<(long Version, InboxState State)>();
        var through = Math.Min(before - 1, snapshot.Head.Head);
        if (through >= snapshot.Head.Oldest)
        {
            // One scan instead of a lookup in each topic; those follow where too few of these are the user's.
            var after = Math.Max(through - (ScannedForEach * (limit + 1)), snapshot.Head.Oldest - 1);
            await ChooseAsync(await snapshot.ScanAsync(after, through, cancellationToken), after + 1);
        }

        while (chosen.Count <= limit && through >= snapshot.KeptFrom)
        {
            var ranges = user.Topics.Values.SelectMany(topic => Ranges(topic, through)).ToList();
            var (found, downTo) = await snapshot.NewestAsync(ranges, limit + 1, cancellationToken);
            await ChooseAsync(found, downTo);
        }

        var wanted = chosen.Take(limit).ToDictionary(one => one.Version, one => one.State);
        var entries = await snapshot.ReadAsync(wanted.Keys, PageBytes, cancellationToken);
        var items = entries.Select(entry => new InboxListed(entry, wanted[entry.Version])).ToList();
        return (items, items.Count < chosen.Count && items.Count > 0 ? items[^1].Entry.Version : null);

        async Task ChooseAsync(IReadOnlyList<TopicVersion> found, long downTo)
        {
            var marks = user.Number == 0 ? [] : await snapshot.FindMarksAsync([Marks(Math.Max(downTo, snapshot.KeptFrom), through)], cancellationToken);
            Choose(found, marks, chosen);
            through = downTo - 1;
        }
    }

    private void Choose(IReadOnlyList<TopicVersion> found, IReadOnlyList<(long User, InboxMark Mark)> marks, List<(long Version, InboxState State)> chosen)
    {
        var byVersion = found.ToDictionary(one => one.Version, one => (one.TopicId, Mark: (InboxMark?)null));
        foreach (var (_, mark) in marks)
        {
            if (mark.ExpiresAt > snapshot.Head.Now || mark.ExpiresAt is null) byVersion[mark.Version] = (mark.TopicId, mark);
        }

        foreach (var (version, (topicId, mark)) in byVersion.OrderByDescending(one => one.Key))
        {
            if (!user.Topics.TryGetValue(topicId, out var topic) || !topic.Holds(version) || version < topic.KeptFrom(snapshot)) continue;
            var state = InboxState.Of(version, mark, topic.Steps);
            if (IsInView(state)) chosen.Add((version, state));
        }
    }

    private bool IsInView(InboxState state) => view switch
    {
        InboxView.Unread => state.ReadAt is null,
        InboxView.Archived => state.ArchivedAt is not null,
        _ => state.ArchivedAt is null,
    };

    private IEnumerable<TopicRange> Ranges(InboxTopic topic, long through) => view switch
    {
        InboxView.Unread => topic.Ranges(snapshot, topic.Read, through),
        InboxView.Archived => topic.Ranges(snapshot, 0, Math.Min(topic.Archived, through)),
        _ => topic.Ranges(snapshot, topic.Archived, through),
    };

    private MarkRange Marks(long from, long through) => view switch
    {
        InboxView.Unread => new MarkRange(user.Number, from, through, Least(topic => topic.Read), MarkKind.Unread),
        InboxView.Archived => new MarkRange(user.Number, from, through, user.Topics.Values.Any(topic => topic.Archived > 0) ? 0 : through, MarkKind.Archived),
        _ => new MarkRange(user.Number, from, through, Least(topic => topic.Archived), MarkKind.NotArchived),
    };

    private long Least(Func<InboxTopic, long> watermark) => user.Topics.Count == 0 ? 0 : user.Topics.Values.Min(watermark);
}
