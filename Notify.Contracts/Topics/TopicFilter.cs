using System.Diagnostics.CodeAnalysis;

namespace Notify.Contracts.Topics;

/// <summary>
/// A topic filter, MQTT 3.1.1 §4.7: <c>+</c> stands for exactly one whole segment; <c>#</c>, as the last segment, for
/// the parent and any number of levels below it. A leading wildcard matches no topic that begins with <c>$</c>
/// (§4.7.2). Case-sensitive, ordinal.
/// </summary>
public sealed class TopicFilter : IEquatable<TopicFilter>
{
    private static readonly string[] Everything = ["+", "#"];
    private static readonly string[] EverythingBelowTheEmptySegment = ["", "+", "#"];

    // Null without a wildcard: nothing is matched by its parts then, and servers hold a filter for every topic that is followed.
    private readonly string[]? _segments;

    private TopicFilter(string text)
    {
        Text = text;
        if (text.AsSpan().IndexOfAny('+', '#') >= 0) _segments = text.Split('/');
    }

    /// <summary>The filter as it was written.</summary>
    public string Text { get; }

    /// <summary>True when it has no wildcard: it matches the one topic of this name.</summary>
    public bool IsExact => _segments is null;

    /// <summary>The parts between the slashes.</summary>
    public IReadOnlyList<string> Segments => _segments ?? Text.Split('/');

    private bool LeadingWildcard => Text[0] is '+' or '#';

    /// <summary>Reads a filter a client may follow; if it is none, <paramref name="problem"/> says why.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out TopicFilter? filter, [NotNullWhen(false)] out string? problem)
    {
        problem = text is { Length: > 0 } && TopicName.IsReserved(text)
            ? "Topics that begin with '$' are followed without asking: your own '$user' topic and your groups' '$group' topics."
            : null;
        return Parse(text, ref problem, out filter);
    }

    /// <summary>Reads a filter that may also name the system's topics: those of grants, and the ones a session gets unasked.</summary>
    public static bool TryParseAny(string? text, [NotNullWhen(true)] out TopicFilter? filter, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        return Parse(text, ref problem, out filter);
    }

    /// <summary>The filter of exactly this topic, which is known to be valid.</summary>
    public static TopicFilter Exact(string topic) => new(topic);

    /// <summary>Whether a topic matches; the topic is taken to be a valid one. Allocates nothing.</summary>
    public bool Matches(string topic)
    {
        if (_segments is null) return string.Equals(Text, topic, StringComparison.Ordinal);
        if (LeadingWildcard && TopicName.IsReserved(topic)) return false;

        var rest = topic.AsSpan();
        var atEnd = false; // the topic has no further segment
        foreach (var segment in _segments)
        {
            if (segment == "#") return true;
            if (atEnd) return false;
            var slash = rest.IndexOf('/');
            var head = slash < 0 ? rest : rest[..slash];
            if (segment != "+" && !head.SequenceEqual(segment)) return false;
            atEnd = slash < 0;
            rest = atEnd ? default : rest[(slash + 1)..];
        }

        return atEnd;
    }

    /// <summary>
    /// Whether every topic that <paramref name="other"/> matches, this one matches too: a grant of <c>orders/#</c>
    /// covers <c>orders/+/paid</c>. As in matching, <c>#</c> does not reach <c>$user/alice</c>; <c>$user/+</c> does.
    /// </summary>
    public bool Covers(TopicFilter other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other._segments is null) return Matches(other.Text);
        if (_segments is null || (LeadingWildcard && TopicName.IsReserved(other.Text))) return false;

        // '#' stands for "the parent and everything below", but for '#' and '/#' the parent would be the empty topic,
        // which there is not: they say the same as '+/#' and '/+/#'. ('a/#' says more than 'a/+/#': it matches 'a'.)
        var wanted = other._segments switch
        {
            ["#"] => Everything,
            ["", "#"] => EverythingBelowTheEmptySegment,
            var segments => segments,
        };
        for (var i = 0; ; i++)
        {
            var mine = i < _segments.Length ? _segments[i] : null;
            var theirs = i < wanted.Length ? wanted[i] : null;
            if (mine == "#") return true;
            if (mine is null || theirs is null) return mine is null && theirs is null;
            if (theirs == "#") return false;
            if (mine != "+" && !string.Equals(mine, theirs, StringComparison.Ordinal)) return false;
        }
    }

    /// <inheritdoc/>
    public bool Equals(TopicFilter? other) => other is not null && string.Equals(Text, other.Text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TopicFilter);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Text);

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static bool Parse(string? text, ref string? problem, [NotNullWhen(true)] out TopicFilter? filter)
    {
        filter = null;
        problem ??= TopicName.TextProblem(text, TopicName.MaxBytes, "filter") ?? WildcardProblem(text!);
        if (problem is null) filter = new TopicFilter(text!);
        return filter is not null;
    }

    private static string? WildcardProblem(string text)
    {
        if (text.AsSpan().IndexOfAny('+', '#') < 0) return null;
        var segments = text.Split('/');
        for (var i = 0; i < segments.Length; i++)
        {
            var segment = segments[i];
            if (segment.Contains('+') && segment != "+") return "'+' stands for a whole segment: 'orders/+/paid'.";
            if (segment.Contains('#') && (segment != "#" || i != segments.Length - 1)) return "'#' stands alone as the last segment: 'orders/#'.";
        }

        return null;
    }
}
