using Notify.Contracts.Topics;
using Notify.Storage.Inbox;

namespace Notify.Tests.Specifications;

/// <summary>An inbox as the contract's sentences have it: every item of every user by itself, and every mark applied to each.</summary>
internal sealed class InboxModel
{
    public static readonly string[] Users = ["alice", "bob"];
    public static readonly string[] Groups = ["ops", "dev"];
    public static readonly string[] Filters = ["news/#", "news/+", "alerts", "#", "+/x/#"];
    public static readonly string[] Topics =
        ["$user/alice", "$user/bob", "$group/ops", "$group/dev", "news", "news/a", "news/x/b", "alerts", "newspaper", "other/x"];
    public static readonly string[] Tabs = ["$user/alice", "$group/ops", "news/#", "alerts", "#", "none/of/it"];

    private readonly List<(long Version, string Topic, bool CanExpire)> _published = [];
    private readonly HashSet<long> _expired = [];
    private readonly List<(string User, string Filter, long Since, long Until)> _held = [];
    private readonly Dictionary<(string User, long Version), Item> _marked = [];

    private readonly Dictionary<long, int> _days = [];

    public long Oldest { get; set; } = 1;

    /// <summary>A day goes by for these.</summary>
    public void Aged(long through)
    {
        foreach (var (version, _, _) in _published.Where(one => one.Version <= through)) _days[version] = _days.GetValueOrDefault(version) + 1;
    }

    /// <summary>Those that can still expire.</summary>
    public List<long> Living => [.. _published.Where(one => one.CanExpire && !_expired.Contains(one.Version)).Select(one => one.Version)];

    public void Published(long version, string topic, long? ttl)
    {
        _published.Add((version, topic, ttl > 0));
        if (ttl < 0) _expired.Add(version);
    }

    public void Expired(long version) => _expired.Add(version);

    public bool IsOpen(string user, string filter) => _held.Exists(one => one.User == user && one.Filter == filter && one.Until == long.MaxValue);

    public void Changed(string user, string filter, bool begins, long version)
    {
        if (begins) _held.Add((user, filter, version, long.MaxValue));
        else _held[_held.FindIndex(one => one.User == user && one.Filter == filter && one.Until == long.MaxValue)] =
            (user, filter, _held.First(one => one.User == user && one.Filter == filter && one.Until == long.MaxValue).Since, version);
    }

    public IEnumerable<Item> Items(string user, Func<string, bool> covers) =>
        from one in _published
        where IsKept(one.Version, one.Topic) && !_expired.Contains(one.Version) && (one.Topic == "$user/" + user || _held.Exists(held =>
            held.User == user && held.Since < one.Version && one.Version <= held.Until && Matches(held.Filter, one.Topic)
                && (held.Filter.StartsWith('$') || covers(held.Filter))))
        select _marked.GetValueOrDefault((user, one.Version), new Item(one.Version, one.Topic, false, false, false));

    public void Mark(string user, InboxOperation operation, long? upTo, long[] versions, string? filter)
    {
        foreach (var item in Items(user, _ => true).ToList())
        {
            if (upTo is { } last ? item.Version > last : !versions.Contains(item.Version)) continue;
            if (filter is not null && !Matches(filter, item.Topic)) continue;
            _marked[(user, item.Version)] = operation switch
            {
                InboxOperation.Read => item with { Read = true, Seen = true },
                InboxOperation.Seen => item with { Seen = true },
                InboxOperation.Archive => item with { Archived = true, Read = true, Seen = true },
                InboxOperation.Unread => item.Archived ? item : item with { Read = false },
                _ => item with { Archived = false },
            };
        }
    }

    private bool IsKept(long version, string topic) => version >= Oldest || (topic.StartsWith('$') && _days.GetValueOrDefault(version) <= 2);

    private static bool Matches(string filter, string topic) => TopicFilter.TryParseAny(filter, out var parsed, out _) && parsed.Matches(topic);

    public sealed record Item(long Version, string Topic, bool Seen, bool Read, bool Archived);
}
