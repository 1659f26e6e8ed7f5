using System.Globalization;
using System.Text;
using Notify.Tests.Faults.Checking;

namespace Notify.Tests.Faults;

/// <summary>What a test run or the long form says in the end, as Markdown.</summary>
internal sealed class FaultReport
{
    private readonly List<FaultRun> _runs = [];
    private readonly List<string> _failures = [];
    private readonly List<string> _skipped = [];

    public IReadOnlyList<string> Failures => _failures;

    public void Add(FaultRun run)
    {
        _runs.Add(run);
        if (run.Result.Findings.Count > 0) _failures.Add(run.ToString());
    }

    public void Skipped(string fault, string why) => _skipped.Add($"{fault}: {why}");

    public void Broken(string fault, int seed, Exception error) => _failures.Add($"{fault}, seed {seed}: did not come to its end: {error.Message}");

    public string ToMarkdown()
    {
        var text = new StringBuilder("""
            # Fault suite

            Three nodes on one Postgres with LISTEN/NOTIFY between them (Redis's own faults: with Redis), 6 publishers under
            idempotency keys, 22 subscribers (11 raw WebSockets, 11 Notify.Client), 4 users who are put
            into 2 groups and out of them, a proxy between any two parts. Recovery:
            from the end of the fault until every publisher had an answer and every subscriber had everything acknowledged
            until then.

            | fault | seeds | acked | delivered | lost | duplicated | reordered | invented | not for them | other findings | recovery median, s | recovery max, s |
            |---|---|---|---|---|---|---|---|---|---|---|---|

            """);
        foreach (var fault in _runs.GroupBy(run => run.Fault)) Row(text, fault.Key, [.. fault]);
        if (_runs.Count > 0) Row(text, "**all**", _runs);
        Lines(text, "Not run here", _skipped);
        Lines(text, "Failures", _failures);
        return text.ToString();
    }

    private static void Row(StringBuilder text, string name, IReadOnlyList<FaultRun> runs)
    {
        var seeds = runs.Select(run => run.Seed).Distinct().Order().ToList();
        var recoveries = runs.Select(run => run.Result.Recovery.TotalSeconds).Order().ToList();
        var counts =
            new[] { Verdict.Lost, Verdict.Duplicated, Verdict.Reordered, Verdict.Invented, Verdict.NotForThem }.Select(verdict =>
            runs.Sum(run => run.Result.Count(verdict))).ToList();
        var others = runs.Sum(run => run.Result.Findings.Count) - counts.Sum();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"| {name} | {(seeds.Count == 1 ? $"{seeds[0]}" : $"{seeds[0]}–{seeds[^1]}")} | {runs.Sum(run => run.Result.Acked)} | " +
                $"{runs.Sum(run => run.Result.Delivered)} | {string.Join(" | ", counts)} | {others} | {recoveries[recoveries.Count / 2]:F2} | " +
                $"{recoveries[^1]:F2} |");
    }

    private static void Lines(StringBuilder text, string title, List<string> lines)
    {
        if (lines.Count == 0) return;
        text.AppendLine(CultureInfo.InvariantCulture, $"\n## {title}\n");
        foreach (var line in lines) text.AppendLine(CultureInfo.InvariantCulture, $"- {line}");
    }
}
