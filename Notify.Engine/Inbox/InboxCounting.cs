using Notify.Storage.Inbox;

namespace Notify.Engine.Inbox;

/// <summary>
/// Counts without reading notifications: a topic's sequence is dense, so a range of versions tells how many it has; what
/// expired and what was marked by itself is put right. Work grows with the topics of the users, many of them at once.
/// </summary>
internal sealed class InboxCounting(IInboxSnapshot snapshot, CancellationToken cancellationToken)
{
    private readonly Dictionary<TopicRange, int> _positions = [];
    private readonly List<TopicRange> _ranges = [];
    private IReadOnlyList<RangeCount> _counts = [];

    public async Task<IReadOnlyList<InboxCounts>> CountAsync(IReadOnlyList<InboxOfUser> users)
    {
        var wanted =
            users.Select(user =>
            user.Topics.ToDictionary(one => one.Key, one => (Unread: Ask(one.Value, one.Value.Read), Unseen: Ask(one.Value, one.Value.Seen)))).ToList();
        _counts = await snapshot.CountAsync(_ranges, cancellationToken);
        var marks = (await snapshot.FindMarksAsync([.. MarkRanges(users)], cancellationToken)).ToLookup(pair => pair.User, pair => pair.Mark);
        return [.. users.Select((user, i) => Count(user, wanted[i], marks[user.Number]))];
    }

    private InboxCounts Count(InboxOfUser user, Dictionary<long, (List<int> Unread, List<int> Unseen)> wanted, IEnumerable<InboxMark> marks)
    {
        var (nextExpiry, hasKept, single) = ((DateTimeOffset?)null, false, 0);
        var byTopic = wanted.ToDictionary(one => one.Key, one => (Unread: Sum(one.Value.Unread), Unseen: Sum(one.Value.Unseen)));
        foreach (var mark in user.Number == 0 ? [] : marks)
        {
            if (!user.Topics.TryGetValue(mark.TopicId, out var topic) || !topic.Holds(mark.Version) || mark.Version < topic.KeptFrom(snapshot)
                || mark.ExpiresAt <= snapshot.Head.Now) continue;
            var state = InboxState.Of(mark.Version, mark, topic.Steps);
            if (!IsSame(state, InboxState.Of(mark.Version, null, topic.Steps))) single++;
            var (unread, unseen) = byTopic[mark.TopicId];
            byTopic[mark.TopicId] = (
                unread + Difference(mark.Version > topic.Read, state.ReadAt is null), unseen + Difference(mark.Version > topic.Seen, state.SeenAt is null));
            Expires(mark.ExpiresAt);
        }

        var filters = user.Asked.Filters.Select(filter =>
        {
            var matching = byTopic.Where(one => filter.Topics.Matches(user.Topics[one.Key].Topic.Name)).ToList();
            return new FilterCounts(filter, matching.Sum(one => one.Value.Unread), matching.Sum(one => one.Value.Unseen));
        });
        return new InboxCounts(
            byTopic.Values.Sum(one => one.Unread), byTopic.Values.Sum(one => one.Unseen), snapshot.Head.Head, snapshot.Head.Epoch, user.AtLeast, [.. filters])
        {
            NextExpiry = nextExpiry,
            HasKeptItems = hasKept,
            SingleMarks = single,
        };

        long Sum(List<int> positions)
        {
            var sum = 0L;
            foreach (var position in positions)
            {
                var count = _counts[position];
                sum += count.Stored - count.Expired;
                Expires(count.NextExpiry);
                hasKept |= count.Stored > 0 && _ranges[position].Through < snapshot.Head.Oldest;
            }

            return sum;
        }

        void Expires(DateTimeOffset? at)
        {
            if (at is not null && (nextExpiry is null || at < nextExpiry)) nextExpiry = at;
        }
    }

    private static bool IsSame(InboxState one, InboxState other) =>
        (one.SeenAt is null, one.ReadAt is null, one.ArchivedAt is null) == (other.SeenAt is null, other.ReadAt is null, other.ArchivedAt is null);

    // As the watermarks have it, and as it is.
    private static int Difference(bool counted, bool counts) => (counts ? 1 : 0) - (counted ? 1 : 0);

    private List<int> Ask(InboxTopic topic, long above)
    {
        var positions = new List<int>();
        foreach (var range in topic.Ranges(snapshot, above, snapshot.Head.Head))
        {
            if (!_positions.TryGetValue(range, out var position))
            {
                _positions[range] = position = _ranges.Count;
                _ranges.Add(range);
            }

            positions.Add(position);
        }

        return positions;
    }

    // What is read, and read by its topic's watermark too, differs in nothing: read implies seen.
    private IEnumerable<MarkRange> MarkRanges(IReadOnlyList<InboxOfUser> users) =>
        from user in users
        where user.Number != 0 && user.Topics.Count > 0
        group user.Topics.Values.Min(topic => topic.Read) by user.Number into known
        select new MarkRange(known.Key, snapshot.KeptFrom, snapshot.Head.Head, known.Min(), MarkKind.Unread);
}
