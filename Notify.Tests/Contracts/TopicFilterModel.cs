namespace Notify.Tests.Contracts;

/// <summary>
/// MQTT 3.1.1 §4.7 said again, as plainly as it can be: recursion over lists of segments, no cleverness and no code
/// shared with the product. Covering is not reasoned about at all but tried on every topic of a small world.
/// </summary>
internal static class TopicFilterModel
{
    /// <summary>What filters are made of: an empty level, two names, two system names, and the wildcards.</summary>
    public static readonly string[] FilterSegments = ["", "a", "b", "$", "$user", "+"];

    /// <summary>The same names, and one that no filter mentions: it tells '+' from "all the names there are".</summary>
    private static readonly string[] TopicSegments = ["", "a", "b", "$", "$user", "other"];

    /// <summary>Every topic of one to four segments of that world; a filter has at most three and perhaps a '#'.</summary>
    public static readonly string[] Topics =
        [.. Enumerable.Range(1, 4).SelectMany(Paths).Where(topic => topic.Length > 0)];

    public static bool Matches(string filter, string topic)
    {
        if (topic.StartsWith('$') && (filter.StartsWith('+') || filter.StartsWith('#'))) return false;
        return Matches([.. filter.Split('/')], [.. topic.Split('/')]);
    }

    public static bool Covers(string filter, string other) =>
        Topics.All(topic => !Matches(other, topic) || Matches(filter, topic));

    private static bool Matches(List<string> filter, List<string> topic) => (filter, topic) switch
    {
        (["#"], _) => true,
        ([], []) => true,
        ([], _) or (_, []) => false,
        (["+", ..], _) => Matches(filter[1..], topic[1..]),
        _ => filter[0] == topic[0] && Matches(filter[1..], topic[1..]),
    };

    private static IEnumerable<string> Paths(int length) => length == 1
        ? TopicSegments
        : Paths(length - 1).SelectMany(_ => TopicSegments, (path, segment) => $"{path}/{segment}");
}
