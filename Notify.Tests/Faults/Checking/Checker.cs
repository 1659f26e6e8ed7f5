using Notify.Engine.Publishing;

namespace Notify.Tests.Faults.Checking;

/// <summary>
/// Decides from the journals of publishers and subscribers whether the service kept its promises: acknowledged is
/// delivered, once, in order, with one content; nothing else is; and what is missing was announced by a Gap.
/// </summary>
internal static class Checker
{
    public static CheckResult Check(History history)
    {
        var findings = new List<Finding>();
        var walks = history.Journals.Select(journal => new SubscriberWalk(journal, findings)).ToList();
        foreach (var walk in walks) walk.Run();

        var contents = OneContent(walks, findings);
        NothingInvented(history, walks, findings);
        NoSilentHole(history.Replaced, walks, contents, findings);
        NothingLost(history, walks, findings);
        OneVersionOfAKey(history, contents, findings);
        var recovery = Recovery(history, walks, findings);
        return new CheckResult(
            findings,
            history.Published.Count(published => published.Acks.Count > 0),
            walks.Sum(walk => walk.Segments.Sum(segment => (long)segment.Delivered.Count)),
            recovery);
    }

    private static Dictionary<(string Epoch, long Version), Seen.Received> OneContent(List<SubscriberWalk> walks, List<Finding> findings)
    {
        var contents = new Dictionary<(string, long), Seen.Received>();
        foreach (var walk in walks)
        {
            foreach (var segment in walk.Segments)
            {
                foreach (var (version, received) in segment.Delivered)
                {
                    if (contents.TryAdd((segment.Epoch, version), received)) continue;
                    var other = contents[(segment.Epoch, version)];
                    if ((other.Id, other.Topic, other.Body) != (received.Id, received.Topic, received.Body))
                        findings.Add(new(Verdict.TwoContents, walk.Journal.Subscriber, version, $"'{received.Body}' here, '{other.Body}' elsewhere"));
                }
            }
        }

        return contents;
    }

    private static void NothingInvented(History history, List<SubscriberWalk> walks, List<Finding> findings)
    {
        var wanted = history.Published.Where(published => !published.Refused).Select(published => (published.Topic, published.Body)).ToHashSet();
        foreach (var walk in walks)
        {
            foreach (var received in walk.FirstReceived.Values)
            {
                if (!wanted.Contains((received.Topic, received.Body)))
                    findings.Add(new(Verdict.Invented, walk.Journal.Subscriber, received.Version, $"'{received.Body}' was not published, or refused"));
            }
        }
    }

    // Known is what any client saw of the same epoch of the log: a client that went past it must have it, or a Gap over it.
    private static void NoSilentHole(
        bool replaced, List<SubscriberWalk> walks, Dictionary<(string Epoch, long Version), Seen.Received> contents, List<Finding> findings)
    {
        foreach (var walk in walks)
        {
            if (replaced && walk.Journal.IsLive && !walk.SawAnotherEpoch)
                findings.Add(new(Verdict.SilentHole, walk.Journal.Subscriber, 0, "the log was replaced, and no Gap said so"));
            foreach (var segment in walk.Segments)
            {
                foreach (var ((epoch, version), content) in contents)
                {
                    if (epoch != segment.Epoch || version <= segment.Start || version > segment.Cursor) continue;
                    if (!walk.Journal.Topics.Contains(content.Topic) || segment.Delivered.ContainsKey(version) || segment.Excuses(version)) continue;
                    findings.Add(new(Verdict.SilentHole, walk.Journal.Subscriber, version, $"'{content.Body}' was passed over"));
                }
            }
        }
    }

    private static void NothingLost(History history, List<SubscriberWalk> walks, List<Finding> findings)
    {
        foreach (var published in history.Published.Where(published => published.Acks.Count > 0))
        {
            var destroyed = published.Acks.All(history.IsDestroyed);
            foreach (var walk in walks.Where(walk => walk.Journal.Topics.Contains(published.Topic)))
            {
                if (walk.FirstReceived.ContainsKey((published.Topic, published.Body))) continue;
                var version = published.Acks[0].Version;
                if (walk.Segments.Any(segment => segment.Excuses(version)) || (destroyed && walk.SawAnotherEpoch)) continue;
                if (destroyed && !walk.Journal.IsLive) continue; // a reading of what is left has no place to lose
                findings.Add(new(Verdict.Lost, walk.Journal.Subscriber, version,
                    $"'{published.Body}' was acknowledged at {published.Acks[0].At.TotalSeconds:F3} s"));
            }
        }
    }

    private static void OneVersionOfAKey(
        History history, Dictionary<(string Epoch, long Version), Seen.Received> contents, List<Finding> findings)
    {
        var stored = contents.ToLookup(pair => (pair.Value.Topic, pair.Value.Body), pair => (pair.Key.Epoch, pair.Key.Version, pair.Value.Id));
        foreach (var published in history.Published)
        {
            var places = stored[(published.Topic, published.Body)].ToList();
            var acks = published.Acks.Where(ack => !history.IsDestroyed(ack)).ToList();
            if (acks.Select(ack => (ack.Version, ack.Id)).Distinct().Count() > 1)
                findings.Add(new(Verdict.KeyTwice, published.Publisher, acks[0].Version,
                    $"key {published.Key} was answered with {string.Join(" and ", acks.Select(ack => ack.Version).Distinct())}"));
            if (places.GroupBy(place => place.Epoch).FirstOrDefault(view => view.Count() > 1) is { } twice)
                findings.Add(new(Verdict.KeyTwice, published.Publisher, twice.First().Version,
                    $"key {published.Key} was delivered as {string.Join(" and ", twice.Select(place => place.Version))}"));
            foreach (var ack in acks.Where(ack => places.Count > 0 && !places.Exists(place => (place.Version, place.Id) == (ack.Version, ack.Id))))
                findings.Add(new(Verdict.TwoContents, published.Publisher, ack.Version,
                    $"'{published.Body}' was acknowledged as this version and delivered as {places[0].Version}"));
            if (acks.Exists(ack => ack.Topic != published.Topic))
                findings.Add(new(Verdict.TwoContents, published.Publisher, acks[0].Version,
                    $"acknowledged for topic {acks[0].Topic}, published to {published.Topic}"));
        }
    }

    // Up to date is a client with everything that was acknowledged until each publisher had been answered once after healing.
    private static TimeSpan Recovery(History history, List<SubscriberWalk> walks, List<Finding> findings)
    {
        if (history.HealedAt == default) return default;
        var answeredAt = TimeSpan.Zero;
        foreach (var publisher in history.Published.GroupBy(published => published.Publisher))
        {
            var after = publisher.SelectMany(published => published.Acks).Select(ack => ack.At).Where(at => at > history.HealedAt).ToList();
            if (after.Count == 0) findings.Add(new(Verdict.Late, publisher.Key, 0, "was not answered again after healing"));
            else answeredAt = TimeSpan.FromTicks(Math.Max(answeredAt.Ticks, after.Min().Ticks));
        }

        var upToDateAt = answeredAt;
        var needed = history.Published.Where(published => published.Acks.Count > 0 && published.Acks[0].At <= answeredAt).ToList();
        foreach (var walk in walks.Where(walk => walk.Journal.IsLive))
        {
            foreach (var published in needed)
            {
                if (walk.FirstReceived.TryGetValue((published.Topic, published.Body), out var received) && received.At > upToDateAt)
                    upToDateAt = received.At;
            }
        }

        var recovery = upToDateAt - history.HealedAt;
        if (recovery > history.Bound)
            findings.Add(new(Verdict.Late, "everybody", 0,
                $"up to date {recovery.TotalSeconds:F1} s after healing, allowed are {history.Bound.TotalSeconds:F1} s"));
        return recovery > TimeSpan.Zero ? recovery : TimeSpan.Zero;
    }
}
