using System.Collections.Frozen;
using Notify.Contracts.Topics;

namespace Notify.Engine.Access;

/// <summary>What a caller was granted: by its token's claims, by the configuration, by its API key.</summary>
internal sealed class Grants
{
    /// <summary>Any group, in <see cref="Join"/>.</summary>
    public const string AnyGroup = "+";

    /// <summary>Every filter and topic, those of users and groups too: a leading wildcard alone does not reach them.</summary>
    public static readonly IReadOnlyList<TopicFilter> Everything = [Parse("#"), Parse("$user/+"), Parse("$group/+")];

    /// <summary>Every topic but the system's.</summary>
    public static readonly IReadOnlyList<TopicFilter> EveryTopic = [Parse("#")];

    public static readonly Grants None = new();

    /// <summary>Everything, and administration.</summary>
    public static readonly Grants OfAdmin = new() { Admin = true };

    private readonly FilterSet _subscribe = FilterSet.Empty;
    private readonly FilterSet _publish = FilterSet.Empty;

    /// <summary>Filters that may be followed and read.</summary>
    public IReadOnlyList<TopicFilter> Subscribe
    {
        get => Admin ? Everything : _subscribe.Filters;
        init => _subscribe = new FilterSet(value);
    }

    /// <summary>Filters of topics that may be published to.</summary>
    public IReadOnlyList<TopicFilter> Publish
    {
        get => Admin ? Everything : _publish.Filters;
        init => _publish = new FilterSet(value);
    }

    /// <summary>The token's groups: followed for as long as the token is used.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Groups that the user may join and leave by itself; <see cref="AnyGroup"/> stands for all.</summary>
    public IReadOnlyList<string> Join { get; init; } = [];

    /// <summary>Everything, and administration.</summary>
    public bool Admin { get; init; }

    /// <summary>Whether every topic of the filter may be followed and read.</summary>
    public bool MaySubscribe(TopicFilter filter) => Admin || _subscribe.Covers(filter);

    /// <summary>Whether what was published to the topic may be read.</summary>
    public bool MayRead(string topic) => Admin || _subscribe.Matches(topic);

    /// <summary>Whether a notification may be published to the topic.</summary>
    public bool MayPublish(string topic) => Admin || _publish.Matches(topic);

    /// <summary>Whether the user may join and leave the group by itself.</summary>
    public bool MayJoin(string group) => Admin || Join.Contains(AnyGroup) || Join.Contains(group, StringComparer.Ordinal);

    private static TopicFilter Parse(string text) =>
        TopicFilter.TryParseAny(text, out var filter, out var problem) ? filter : throw new ArgumentException(problem, nameof(text));

    /// <summary>
    /// Filters, and whether one of them covers another. Some tokens have thousands, and a Resume names up to a thousand: those
    /// without a wildcard are looked up, the others are tried by their first segment.
    /// </summary>
    private sealed class FilterSet
    {
        public static readonly FilterSet Empty = new([]);

        private readonly FrozenSet<string> _exact;
        private readonly FrozenDictionary<string, TopicFilter[]>.AlternateLookup<ReadOnlySpan<char>> _byFirst;
        private readonly TopicFilter[] _leading;

        public FilterSet(IReadOnlyList<TopicFilter> filters)
        {
            Filters = filters;
            _exact = filters.Where(filter => filter.IsExact).Select(filter => filter.Text).ToFrozenSet(StringComparer.Ordinal);
            var wild = filters.Where(filter => !filter.IsExact).Distinct().ToArray();
            _leading = [.. wild.Where(LeadsWithWildcard)];
            _byFirst = wild.Where(filter => !LeadsWithWildcard(filter)).GroupBy(filter => FirstSegment(filter.Text).ToString(), StringComparer.Ordinal)
                .ToFrozenDictionary(group => group.Key, group => group.ToArray(), StringComparer.Ordinal)
                .GetAlternateLookup<ReadOnlySpan<char>>();
        }

        public IReadOnlyList<TopicFilter> Filters { get; }

        public bool Covers(TopicFilter wanted) =>
            _exact.Contains(wanted.Text)
            || Covers(_leading, wanted)
            || (_byFirst.TryGetValue(FirstSegment(wanted.Text), out var same) && Covers(same, wanted));

        public bool Matches(string topic) =>
            _exact.Contains(topic)
            || Matches(_leading, topic)
            || (_byFirst.TryGetValue(FirstSegment(topic), out var same) && Matches(same, topic));

        private static bool LeadsWithWildcard(TopicFilter filter) => FirstSegment(filter.Text) is "+" or "#";

        private static ReadOnlySpan<char> FirstSegment(string text) =>
            text.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0 ? text.AsSpan(0, slash) : text;

        private static bool Matches(TopicFilter[] filters, string topic)
        {
            foreach (var filter in filters)
            {
                if (filter.Matches(topic)) return true;
            }

            return false;
        }

        private static bool Covers(TopicFilter[] filters, TopicFilter wanted)
        {
            foreach (var filter in filters)
            {
                if (filter.Covers(wanted)) return true;
            }

            return false;
        }
    }
}
