using Notify.Tests.Faults.Checking;

namespace Notify.Tests.Faults.Members;

/// <summary>
/// Decides whether members got what was published to their groups while they were in them, and nobody got anything else. What it knows
/// are answers: between the answer to a join and the next request to leave a user is a member, between the answer to a leave and the next
/// request to join it is not; of the time between a request and its answer nothing is said, and nothing after a request that may still
/// be made.
/// </summary>
internal static class MemberChecker
{
    public static IReadOnlyList<Finding> Check(MemberHistory history)
    {
        var findings = new List<Finding>();
        var windows = Windows(history).ToLookup(window => (window.User, window.Group));
        var stored = history.Published.Where(published => published is { Acks.Count: > 0, Refused: false }).ToList();
        foreach (var (user, journal) in history.Journals)
        {
            var walk = new SubscriberWalk(journal, findings);
            walk.Run();
            foreach (var published in stored)
            {
                var window = windows[(user, published.Topic)].FirstOrDefault(window => window.Holds(published));
                if (window is null) continue;
                var came = walk.FirstReceived.TryGetValue((published.Topic, published.Body), out var received);
                if (came && !window.IsMember)
                    findings.Add(new(Verdict.NotForThem, journal.Subscriber, received!.Version,
                        $"'{published.Body}' was published to {published.Topic} when {user} had left it"));
                else if (!came && window.IsMember && !IsExcused(published, walk, history.Destroyed))
                    findings.Add(new(Verdict.Lost, journal.Subscriber, published.Acks[0].Version,
                        $"'{published.Body}' was published to {published.Topic} when {user} was a member"));
            }
        }

        return findings;
    }

    /// <summary>What each user must have by now.</summary>
    public static IEnumerable<(string User, Published Published)> Owed(MemberHistory history)
    {
        var windows = Windows(history).Where(window => window.IsMember).ToLookup(window => window.Group);
        return from published in history.Published
               where published is { Acks.Count: > 0, Refused: false }
                   && !published.Acks.Any(ack => history.Destroyed.Any(gone => ack.At >= gone.From && ack.At <= gone.To))
               from window in windows[published.Topic]
               where window.Holds(published)
               select (window.User, published);
    }

    private static bool IsExcused(Published published, SubscriberWalk walk, IReadOnlyList<Destroyed> destroyed) =>
        walk.Segments.Any(segment => segment.Excuses(published.Acks[0].Version))
        || (walk.SawAnotherEpoch && published.Acks.All(ack => destroyed.Any(gone => ack.At >= gone.From && ack.At <= gone.To)));

    // What was answered in a time that was destroyed holds no more, and what came before it is not looked at beyond.
    private static IEnumerable<MemberWindow> Windows(MemberHistory history)
    {
        foreach (var changes in history.Changes.GroupBy(change => (change.User, change.Group)))
        {
            var inOrder = changes.OrderBy(change => change.SentAt).ToList();
            for (var i = 0; i < inOrder.Count && !inOrder[i].MayComeLater; i++)
            {
                if (inOrder[i].AnsweredAt is not { } from) continue;
                if (history.Destroyed.Any(gone => from >= gone.From && from <= gone.To)) continue;
                var to = i + 1 < inOrder.Count ? inOrder[i + 1].SentAt : TimeSpan.MaxValue;
                foreach (var gone in history.Destroyed.Where(gone => gone.From > from && gone.From < to)) to = gone.From;
                yield return new MemberWindow(changes.Key.User, changes.Key.Group, inOrder[i].Joins, from, to);
            }
        }
    }
}
