using Notify.Contracts.Topics;
using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Engine.Inbox;

/// <summary>Finds the topics from which something came to users: own topic and groups first, then durable subscriptions.</summary>
internal sealed class InboxTopics(IInboxSnapshot snapshot, CancellationToken cancellationToken)
{
    /// <summary>Topics of one user that are counted; the contract's bound on exact counts.</summary>
    private const int MostTopics = 1000;

    /// <summary>Names that are looked at for one wildcard.</summary>
    private const int MostNames = 20_000;

    private const int NamesAPage = 1000;

    /// <summary>After every name of the system's: a leading wildcard matches none of them.</summary>
    private const string AfterReserved = "$\U0010FFFF";

    private readonly Dictionary<string, TopicFilter> _parsed = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (List<LogTopic> Topics, bool IsAll)> _matching = new(StringComparer.Ordinal);

    /// <summary>For each one that was asked for its topics, by id; with only those that the filter of <paramref name="only"/> matches.</summary>
    public async Task<IReadOnlyList<InboxOfUser>> FindAsync(IReadOnlyList<InboxAsked> asked, TopicFilter? only)
    {
        var interests = asked.Select(Interests).ToList();
        var exact = new Dictionary<string, LogTopic>(StringComparer.Ordinal);
        var names = interests.SelectMany(all => all).Where(one => one.Filter.IsExact).Select(one => one.Filter.Text).ToHashSet(StringComparer.Ordinal);
        foreach (var topic in await snapshot.FindTopicsAsync(names, cancellationToken)) exact[topic.Name] = topic;

        var found = new List<InboxOfUser>(asked.Count);
        for (var i = 0; i < asked.Count; i++) found.Add(await FindAsync(asked[i], interests[i], exact, only));
        return found;
    }

    private async Task<InboxOfUser> FindAsync(
        InboxAsked asked, List<(TopicFilter Filter, Interval Held)> interests, Dictionary<string, LogTopic> exact, TopicFilter? only)
    {
        var user = snapshot.Users.GetValueOrDefault(asked.User);
        var topics = new Dictionary<long, InboxTopic>();
        var isAll = true;
        foreach (var (filter, held) in interests)
        {
            if (filter.IsExact)
            {
                if (exact.TryGetValue(filter.Text, out var topic)) Add(topic, held);
                continue;
            }

            var (matching, complete) = await MatchingAsync(filter);
            isAll &= complete;
            foreach (var topic in matching) Add(topic, held);
        }

        return new InboxOfUser(asked, user?.Number ?? 0, topics, !isAll);

        void Add(LogTopic topic, Interval held)
        {
            if (only is not null && !only.Matches(topic.Name)) return;
            if (!topics.TryGetValue(topic.Id, out var known))
            {
                if (topics.Count == MostTopics)
                {
                    isAll = false;
                    return;
                }

                topics[topic.Id] = known = new InboxTopic(topic, StepsOf(user, topic.Name));
            }

            known.Add(held);
        }
    }

    private List<(TopicFilter Filter, Interval Held)> Interests(InboxAsked asked)
    {
        var interests = new List<(TopicFilter, Interval)> { (TopicFilter.Exact(TopicName.OfUser(asked.User)), new Interval(0)) };
        if (!snapshot.Users.TryGetValue(asked.User, out var user)) return interests;
        interests.AddRange(user.Groups.Select(group => (TopicFilter.Exact(TopicName.OfGroup(group.Name)), group.Held)));
        foreach (var subscription in user.Subscriptions)
        {
            if (TopicFilter.TryParse(subscription.Filter, out var filter, out _) && asked.Covers(filter)) interests.Add((filter, subscription.Held));
        }

        return interests;
    }

    private IEnumerable<InboxStep> StepsOf(InboxUser? user, string topic) =>
        user is null ? [] : user.Watermarks.Where(one => one.Filter.Length == 0 || Parse(one.Filter).Matches(topic)).SelectMany(one => one.Steps);

    private TopicFilter Parse(string text)
    {
        if (_parsed.TryGetValue(text, out var known)) return known;
        return _parsed[text] = TopicFilter.TryParseAny(text, out var filter, out var problem) ? filter : throw new InvalidOperationException(problem);
    }

    private async Task<(List<LogTopic> Topics, bool IsAll)> MatchingAsync(TopicFilter filter)
    {
        if (_matching.TryGetValue(filter.Text, out var known)) return known;
        var literal = filter.Segments.TakeWhile(segment => segment is not ("+" or "#")).ToArray();
        var parent = string.Join('/', literal);
        var matching = new List<LogTopic>();

        // 'a/#' is 'a' too, which is not below 'a/'.
        if (literal.Length > 0 && filter.Matches(parent)) matching.AddRange(await snapshot.FindTopicsAsync([parent], cancellationToken));
        var (prefix, after, looked, isAll) = (literal.Length == 0 ? "" : parent + "/", "", 0, true);
        while (true)
        {
            var page = await snapshot.FindTopicsByPrefixAsync(prefix, after, NamesAPage, cancellationToken);
            matching.AddRange(page.Where(topic => filter.Matches(topic.Name)));
            if (page.Count < NamesAPage) break;
            looked += page.Count;
            isAll = looked < MostNames && matching.Count <= MostTopics;
            if (!isAll) break;
            after = page[^1].Name;
            if (prefix.Length == 0 && TopicName.IsReserved(after)) after = AfterReserved;
        }

        return _matching[filter.Text] = (matching, isAll);
    }
}

/// <summary>One that was asked for, with its topics by id.</summary>
/// <param name="Asked">The user, and the filters that the caller covers.</param>
/// <param name="Number">The user's number; 0: never mentioned, so without marks.</param>
/// <param name="Topics">By id.</param>
/// <param name="AtLeast">There are more topics.</param>
internal sealed record InboxOfUser(InboxAsked Asked, long Number, IReadOnlyDictionary<long, InboxTopic> Topics, bool AtLeast);
