namespace Notify.Tests.Faults.Checking;

/// <summary>Damages one subscriber's journal of a real run, at a place that a seed chooses, as a broken service would.</summary>
internal static class JournalDamage
{
    public static IReadOnlyList<(string Name, Func<History, int, History> Damage, Verdict Expected)> All { get; } =
    [
        ("one not delivered", (history, seed) => OfOne(history, seed, (events, at) => events.RemoveAt(at)), Verdict.Lost),
        ("one delivered twice", (history, seed) => OfOne(history, seed, (events, at) => events.Insert(at, events[at])), Verdict.Duplicated),
        ("two that change places", (history, seed) => OfOne(history, seed, Swap), Verdict.Reordered),
        ("one under the wrong version", (history, seed) => OfOne(history, seed, Shift), Verdict.TwoContents),
        ("one that nobody published", (history, seed) =>
            OfOne(history, seed, (events, at) => events[at] = Received(events, at) with { Body = "?" }), Verdict.Invented),
        ("one stored again under its key", (history, seed) => OfOne(history, seed, Repeat), Verdict.KeyTwice),
    ];

    private static History OfOne(History history, int seed, Action<List<Seen>, int> damage)
    {
        var random = new Random(seed);
        var journals = history.Journals.ToList();
        var victim = random.Next(journals.Count(journal => journal.IsLive));
        var events = journals[victim].Events.ToList();

        // Neither the first nor the last, and with a neighbour that is one too.
        var places = Enumerable.Range(1, events.Count - 3).Where(i => events[i] is Seen.Received && events[i + 1] is Seen.Received).ToList();
        damage(events, places[random.Next(places.Count)]);
        journals[victim] = journals[victim] with { Events = events };
        return history with { Journals = journals };
    }

    private static void Swap(List<Seen> events, int at) => (events[at], events[at + 1]) = (events[at + 1], events[at]);

    private static void Shift(List<Seen> events, int at)
    {
        var (one, next) = (Received(events, at), Received(events, at + 1));
        events[at] = next with { Version = one.Version };
        events[at + 1] = one with { Version = next.Version };
    }

    private static void Repeat(List<Seen> events, int at)
    {
        // A version that nobody else has seen.
        events.Add(Received(events, at) with { Version = int.MaxValue, Id = "again" });
    }

    private static Seen.Received Received(List<Seen> events, int at) => (Seen.Received)events[at];
}
